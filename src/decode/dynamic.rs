//! What a kernel tells those who make values of their own: the objects of another language.

use super::encode::{fill, pascal};
use super::error::{EncodeErrorKind, wide};
use super::scalar::ScalarCodec;
use crate::abi::LongDoubleFormat;
use crate::endian::Endian;
use crate::layout::Type;

impl ScalarCodec {
    /// What one value is.
    #[inline]
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// Bytes that are swapped together.
    pub fn unit(&self) -> usize {
        self.unit
    }

    /// Which byte comes first, where there is more than one.
    pub fn endian(&self) -> Endian {
        self.endian
    }

    /// What a `long double` is.
    pub fn long_double_format(&self) -> LongDoubleFormat {
        self.long_double
    }

    /// Whether it has a range of integers, addresses included.
    pub fn is_integer(&self) -> bool {
        matches!(
            self.ty,
            Type::Int8
                | Type::UInt8
                | Type::Int16
                | Type::UInt16
                | Type::Int32
                | Type::UInt32
                | Type::Int64
                | Type::UInt64
                | Type::Pointer
                | Type::CharPointer
                | Type::WcharPointer
                | Type::Function
                | Type::Object
        )
    }

    /// Writes bytes: of a string what there is and then NULs, of everything else exactly as many.
    pub fn store_bytes(&self, value: &[u8], bytes: &mut [u8]) -> Result<(), EncodeErrorKind> {
        match self.ty {
            Type::Bytes => fill(value, bytes),
            Type::Pascal => pascal(value, bytes),
            _ if value.len() == bytes.len() => {
                bytes.copy_from_slice(value);
                Ok(())
            }
            _ => {
                let (found, wanted) = (wide(value.len()), wide(bytes.len()));
                Err(EncodeErrorKind::Count { found, wanted, unit: "byte" })
            }
        }
    }
}
