//! [`DataModel::from_triple`]: the data model of a target triple, such as `x86_64-unknown-linux-gnu`.
//! [`UnknownTriple`]: the error for an unknown triple.

use target_lexicon::{Architecture, CDataModel, Endianness, Environment, OperatingSystem, Triple, Vendor};

use alloc::string::{String, ToString};

use super::model::{DataModel, LongDoubleAbi, LongDoubleFormat};
use crate::align::Align;
use crate::endian::Endian;
use crate::text::escape;

/// The error for a target triple whose data model is unknown.
///
/// ```
/// let error = pep3118::DataModel::from_triple("pdp11-dec-unix").unwrap_err();
/// assert!(error.to_string().starts_with("unknown target triple `pdp11-dec-unix`: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("unknown target triple `{}`: {}", escape(triple), escape(reason))]
pub struct UnknownTriple {
    triple: String,
    reason: String,
}

impl DataModel {
    /// Returns the data model of the target triple `triple`. The crate `target-lexicon` parses the triple. The name of
    /// the data model is `"triple"`.
    ///
    /// ```
    /// use pep3118::DataModel;
    /// let windows = DataModel::from_triple("x86_64-pc-windows-msvc")?;
    /// assert_eq!((windows.long, windows.pointer, windows.wchar), (4, 8, 2));
    /// # Ok::<(), pep3118::UnknownTriple>(())
    /// ```
    ///
    /// # Errors
    /// - `target-lexicon` does not know the triple: `z80-unknown-none`
    /// - `target-lexicon` does not know the data model of the triple: `avr-unknown-unknown`
    /// - an `int` does not have 4 bytes in the data model
    /// - `target-lexicon` does not know the byte order of the triple
    pub fn from_triple(triple: &str) -> Result<Self, UnknownTriple> {
        let unknown = |reason: String| UnknownTriple { triple: triple.to_string(), reason };
        let parsed: Triple = triple.parse().map_err(|error: target_lexicon::ParseError| unknown(error.to_string()))?;
        let data = parsed.data_model().map_err(|()| unknown("its data model is not known".to_string()))?;
        let (long, pointer) = match data {
            CDataModel::LP64 => (8, 8),
            CDataModel::LLP64 => (4, 8),
            CDataModel::ILP32 => (4, 4),
            _ => return Err(unknown("its `int` is not 4 bytes".to_string())),
        };
        let endian = match parsed.endianness() {
            Ok(Endianness::Little) => Endian::Little,
            Ok(Endianness::Big) => Endian::Big,
            Err(()) => return Err(unknown("its byte order is not known".to_string())),
        };
        let windows = matches!(parsed.operating_system, OperatingSystem::Windows | OperatingSystem::Cygwin);
        let i386 = matches!(parsed.architecture, Architecture::X86_32(_)) && !windows;
        let eight_bytes = if i386 { Align::FOUR } else { Align::EIGHT };
        Ok(Self {
            name: "triple",
            endian,
            long,
            pointer,
            wchar: if windows { 2 } else { 4 },
            long_long_align: eight_bytes,
            double_align: eight_bytes,
            long_double: long_double(&parsed, windows),
        })
    }
}

/// Returns the size, the alignment and the representation of `long double` for `triple`. `windows` must be `true` for
/// Windows and Cygwin.
fn long_double(triple: &Triple, windows: bool) -> LongDoubleAbi {
    use LongDoubleFormat::{Binary128, Double, DoubleDouble, X87};
    // MinGW uses the x87 format. Microsoft's compiler uses the format of `double`.
    let gnu = matches!(triple.environment, Environment::Gnu | Environment::GnuLlvm);
    let apple = triple.vendor == Vendor::Apple;
    let (size, align, format) = match triple.architecture {
        _ if windows && !gnu => (8, Align::EIGHT, Double),
        Architecture::X86_64 => (16, Align::SIXTEEN, X87),
        Architecture::X86_32(_) if apple => (16, Align::SIXTEEN, X87),
        Architecture::X86_32(_) => (12, Align::FOUR, X87),
        Architecture::Arm(_) => (8, Align::EIGHT, Double),
        Architecture::Aarch64(_) if apple || windows => (8, Align::EIGHT, Double),
        Architecture::S390x => (16, Align::EIGHT, Binary128),
        Architecture::Wasm32 if triple.operating_system == OperatingSystem::Emscripten => (16, Align::EIGHT, Binary128),
        Architecture::Powerpc64 | Architecture::Powerpc64le | Architecture::Powerpc => {
            (16, Align::SIXTEEN, DoubleDouble)
        }
        Architecture::Mips32(_) => (8, Align::EIGHT, Double),
        // The other ABIs specify binary128, for example the ABIs of aarch64, riscv64, loongarch64 and sparc64.
        _ => (16, Align::SIXTEEN, Binary128),
    };
    LongDoubleAbi { size, align, format }
}
