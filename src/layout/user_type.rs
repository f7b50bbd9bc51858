//! [`UserType`]: the types `[name]` that have no format character, and the registry of these types.
//! [`UserTypeDefinition`] is an entry of the registry, and [`UserValue`] is a value of a user type.
//!
//! A layout stores only the index of a user type in the registry. An entry of the registry is never removed, so an
//! index stays valid.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "std")]
use std::sync::{PoisonError, RwLock};

use super::small_float::{SmallFloat, nearest_float32};
use super::ty::Type;
use crate::align::Align;
use crate::endian::Endian;

/// The largest number of types that a program can register.
#[cfg(feature = "std")]
const MAX_REGISTERED: usize = 4096;

/// A user type: a type `[name]` without a format character, with the size and the values that the registry declares.
///
/// These types are always in the registry:
///
/// | name | bytes | values |
/// |--|--|--|
/// | `bfloat16` | 2 | the upper half of a `float32` |
/// | `float8_e3m4`, `float8_e4m3`, `float8_e4m3b11fnuz`, `float8_e4m3fn`, `float8_e4m3fnuz`, `float8_e5m2`, `float8_e5m2fnuz`, `float8_e8m0fnu` | 1 | the floats of the package `ml_dtypes` |
/// | `float4_e2m1fn`, `float6_e2m3fn`, `float6_e3m2fn` | 1 | floats of `ml_dtypes` in the lower bits of a byte |
/// | `int1`, `int2`, `int4`, `uint1`, `uint2`, `uint4` | 1 | integers of `ml_dtypes` in the lower bits of a byte |
/// | `int24`, `uint24` | 3 | integers |
/// | `int128`, `uint128` | 16 | integers |
/// | `datetime64$s`, `timedelta64$s` and other units | 8 | NumPy's dates and durations, as a number of units |
///
/// The units are NumPy's: `Y`, `M`, `W`, `D`, `h`, `m`, `s`, `ms`, `us`, `ns`, `ps`, `fs` and `as`. A program
/// adds its own types with [`register`](Self::register).
///
/// ```
/// use pep3118::layout::UserType;
/// use pep3118::{DataModel, Dialect, Layout};
/// let layout = Layout::read(b"T{<[bfloat16]:weight:[int24]:left:}", &Dialect::PEP3118, &DataModel::LP64)?;
/// let weight = layout.item().field(b"weight").unwrap();
/// assert_eq!((weight.size(), weight.user_type().unwrap().name()), (2, "bfloat16"));
/// assert_eq!(layout.size(), 5);
/// # Ok::<(), pep3118::LayoutError>(())
/// ```
#[derive(Clone, Copy)]
pub struct UserType {
    definition: &'static UserTypeDefinition,
}

/// The name, the size and the values of a user type, for [`UserType::register`].
///
/// ```
/// use pep3118::layout::{UserType, UserTypeDefinition, UserTypeError, UserValue};
/// use pep3118::{DataModel, Dialect, Layout, Type, decode::{Plan, Value}};
///
/// // A number with 8 bits after the binary point.
/// UserType::register(UserTypeDefinition::new("fixed8_8", 2, Type::Float64, |bytes: &[u8]| {
///     let bytes = bytes.try_into().map_err(|_| UserTypeError::new("2 bytes are needed"))?;
///     Ok(UserValue::Float(f64::from(i16::from_le_bytes(bytes)) / 256.0))
/// }, |value, bytes: &mut [u8]| match value {
///     UserValue::Float(number) => Ok(bytes.copy_from_slice(&((number * 256.0) as i16).to_le_bytes())),
///     _ => Err(UserTypeError::new("a float is needed")),
/// }))?;
/// let layout = Layout::read(b"<[fixed8_8]", &Dialect::PEP3118, &DataModel::LP64)?;
/// assert_eq!(Plan::new(&layout)?.value(&[0x80, 0x01])?, Value::Float64(1.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UserTypeDefinition {
    name: Cow<'static, str>,
    size: u64,
    align: Align,
    has_byte_order: bool,
    value_type: Type,
    values: Values,
}

/// The function that converts the bytes of a value, least significant byte first, to the value.
type DecodeFn = dyn Fn(&[u8]) -> Result<UserValue, UserTypeError> + Send + Sync;

/// The function that writes a value to the given bytes, least significant byte first.
type EncodeFn = dyn Fn(&UserValue, &mut [u8]) -> Result<(), UserTypeError> + Send + Sync;

/// The conversion between the bytes and the values of a user type.
enum Values {
    /// The upper half of a `float32`.
    BFloat16,
    /// A float of at most 8 bits.
    SmallFloat(SmallFloat),
    /// An integer in two's complement, in the lowest `bits` bits. `is_signed` is whether the integer has a sign.
    Integer { is_signed: bool, bits: u32 },
    /// The functions of a registered type.
    Registered { decode: Box<DecodeFn>, encode: Box<EncodeFn> },
}

/// A value of a user type.
///
/// ```
/// use pep3118::Endian;
/// use pep3118::layout::{UserType, UserValue};
/// let int24 = UserType::by_name(b"int24").unwrap();
/// assert_eq!(int24.decode(&[0xff, 0xff, 0xff], Endian::Little)?, UserValue::Int(-1));
/// # Ok::<(), pep3118::layout::UserTypeError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum UserValue {
    /// An integer.
    Int(i128),
    /// An integer without a sign.
    UInt(u128),
    /// A float.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The reason why a value of a user type cannot be converted, or why a type cannot be registered.
///
/// ```
/// use pep3118::Endian;
/// use pep3118::layout::UserType;
/// let weight = UserType::by_name(b"bfloat16").unwrap();
/// assert!(weight.decode(&[1], Endian::Little).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{message}")]
pub struct UserTypeError {
    message: String,
}

impl UserTypeError {
    /// Creates an error with the text `message`.
    ///
    /// ```
    /// use pep3118::layout::UserTypeError;
    /// assert_eq!(UserTypeError::new("a float is needed").to_string(), "a float is needed");
    /// ```
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl UserTypeDefinition {
    /// Creates the definition of a type with the name `name` and `size` bytes, whose alignment is 1 byte.
    ///
    /// `decode` converts the bytes of a value to the value. `encode` writes a value to its bytes. Both functions use
    /// the byte order in which the least significant byte is first. `value_type` is the type of the values in columns
    /// and in Arrow: an integer type, [`Type::Float32`] or [`Type::Float64`], or [`Type::Opaque`] for values that stay
    /// bytes in columns and in Arrow.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        size: u64,
        value_type: Type,
        decode: impl Fn(&[u8]) -> Result<UserValue, UserTypeError> + Send + Sync + 'static,
        encode: impl Fn(&UserValue, &mut [u8]) -> Result<(), UserTypeError> + Send + Sync + 'static,
    ) -> Self {
        let values = Values::Registered { decode: Box::new(decode), encode: Box::new(encode) };
        Self { name: name.into(), size, align: Align::ONE, has_byte_order: true, value_type, values }
    }

    /// Sets the alignment of the type under the byte-order character `@`.
    ///
    /// ```
    /// use pep3118::layout::{UserType, UserTypeDefinition, UserTypeError, UserValue};
    /// use pep3118::{Align, Type};
    /// let decode = |bytes: &[u8]| Ok(UserValue::Bytes(bytes.to_vec()));
    /// let encode = |_: &UserValue, _: &mut [u8]| Err(UserTypeError::new("read-only"));
    /// let definition = UserTypeDefinition::new("opaque16", 16, Type::Opaque, decode, encode);
    /// let ty = UserType::register(definition.align(Align::new(8).unwrap()))?;
    /// assert_eq!(ty.align().bytes(), 8);
    /// # Ok::<(), UserTypeError>(())
    /// ```
    #[must_use]
    pub fn align(self, align: Align) -> Self {
        Self { align, ..self }
    }

    /// Declares that the bytes of a value have the same order on all machines. The library then never reverses the
    /// bytes: the functions of the type receive them in the order of the memory.
    ///
    /// ```
    /// use pep3118::layout::{UserType, UserTypeDefinition, UserTypeError, UserValue};
    /// use pep3118::Type;
    /// let decode = |bytes: &[u8]| Ok(UserValue::Bytes(bytes.to_vec()));
    /// let encode = |_: &UserValue, _: &mut [u8]| Err(UserTypeError::new("read-only"));
    /// let definition = UserTypeDefinition::new("opaque20", 20, Type::Opaque, decode, encode);
    /// let ty = UserType::register(definition.without_byte_order())?;
    /// assert!(!ty.has_byte_order());
    /// # Ok::<(), UserTypeError>(())
    /// ```
    #[must_use]
    pub fn without_byte_order(self) -> Self {
        Self { has_byte_order: false, ..self }
    }
}

impl UserType {
    /// Returns the user type with the name `name`, such as `b"bfloat16"` or `b"datetime64$ns"`. Returns `None` if the
    /// registry has no such type.
    ///
    /// ```
    /// use pep3118::layout::UserType;
    /// assert_eq!(UserType::by_name(b"int24").map(UserType::size), Some(3));
    /// assert!(UserType::by_name(b"no such type").is_none());
    /// ```
    #[must_use]
    pub fn by_name(name: &[u8]) -> Option<Self> {
        let find = |definition: &&'static UserTypeDefinition| definition.name.as_bytes() == name;
        if let Some(index) = BUILT_IN.iter().position(|definition| definition.name.as_bytes() == name) {
            return Self::at(u16::try_from(index).ok()?);
        }
        #[cfg(feature = "std")]
        {
            let index = REGISTERED.read().unwrap_or_else(PoisonError::into_inner).iter().position(find)?;
            Self::at(u16::try_from(BUILT_IN.len().saturating_add(index)).ok()?)
        }
        #[cfg(not(feature = "std"))]
        {
            let _ = find;
            None
        }
    }

    /// Adds a type to the registry. The type stays in the registry until the program ends.
    ///
    /// ```
    /// use pep3118::layout::{UserType, UserTypeDefinition, UserTypeError, UserValue};
    /// use pep3118::Type;
    /// let decode = |bytes: &[u8]| Ok(UserValue::Bytes(bytes.to_vec()));
    /// let encode = |_: &UserValue, _: &mut [u8]| Err(UserTypeError::new("read-only"));
    /// let ty = UserType::register(UserTypeDefinition::new("opaque12", 12, Type::Opaque, decode, encode))?;
    /// assert_eq!((ty.name(), ty.value_type()), ("opaque12", Type::Opaque));
    /// # Ok::<(), UserTypeError>(())
    /// ```
    ///
    /// # Errors
    /// - a name that the registry already has, that is empty, that starts with `$`, or that has brackets or NULs
    /// - a size of 0 bytes or of more than 2^63 - 1 bytes
    /// - a type of the values that is neither an integer, [`Type::Float32`], [`Type::Float64`] nor [`Type::Opaque`]
    /// - more than 4096 types, or not enough memory
    #[cfg(feature = "std")]
    pub fn register(definition: UserTypeDefinition) -> Result<Self, UserTypeError> {
        let name = &definition.name;
        if name.is_empty() || name.starts_with('$') || name.contains(['[', ']', '\0']) {
            return Err(UserTypeError::new("a user type needs a name without brackets and NULs"));
        }
        if definition.size == 0 || i64::try_from(definition.size).is_err() {
            return Err(UserTypeError::new(format!("a user type cannot have {} bytes", definition.size)));
        }
        if !matches!(definition.value_type, Type::Opaque) && element_size(definition.value_type).is_none() {
            let message = format!("{} is neither a number of at most 8 bytes nor opaque", definition.value_type);
            return Err(UserTypeError::new(message));
        }
        let mut registered = REGISTERED.write().unwrap_or_else(PoisonError::into_inner);
        if BUILT_IN.iter().chain(registered.iter().copied()).any(|known| known.name == definition.name) {
            return Err(UserTypeError::new(format!("the user type '{name}' is already registered")));
        }
        if registered.len() >= MAX_REGISTERED {
            return Err(UserTypeError::new(format!("{MAX_REGISTERED} user types are already registered")));
        }
        registered.try_reserve(1).map_err(|_| UserTypeError::new("no memory for another user type"))?;
        // A layout can refer to the type as long as the program runs, so the definition is never dropped.
        let definition: &'static UserTypeDefinition = Box::leak(Box::new(definition));
        registered.push(definition);
        Ok(Self { definition })
    }

    /// Returns the type of NumPy's dates or durations with the name `name`, such as `datetime64$25s`. If the registry
    /// does not have the type, adds the type to the registry. Does not check that `name` is a date or a duration.
    ///
    /// # Errors
    /// - the errors of [`register`](Self::register)
    #[cfg(feature = "pyo3")]
    pub(crate) fn register_ticks(name: String) -> Result<Self, UserTypeError> {
        let found = |name: &str| Self::by_name(name.as_bytes());
        let definition = UserTypeDefinition { name: Cow::Owned(name.clone()), ..ticks("") };
        // Another thread may have added the type.
        Self::register(definition).or_else(|error| found(&name).ok_or(error))
    }

    /// Returns the type with the index `index` in the registry. Returns `None` if no type has this index.
    pub(crate) fn at(index: u16) -> Option<Self> {
        let place = usize::from(index);
        if let Some(definition) = BUILT_IN.get(place) {
            return Some(Self { definition });
        }
        #[cfg(feature = "std")]
        {
            let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
            let definition = registered.get(place.saturating_sub(BUILT_IN.len())).copied()?;
            Some(Self { definition })
        }
        #[cfg(not(feature = "std"))]
        None
    }

    /// Returns the index of the type in the registry.
    pub(crate) fn index(self) -> u16 {
        let is_same = |definition: &UserTypeDefinition| core::ptr::eq(definition, self.definition);
        let index = BUILT_IN.iter().position(is_same);
        #[cfg(feature = "std")]
        let index = index.or_else(|| {
            let registered = REGISTERED.read().unwrap_or_else(PoisonError::into_inner);
            let position = registered.iter().position(|definition| is_same(definition));
            position.map(|position| position.saturating_add(BUILT_IN.len()))
        });
        debug_assert!(index.is_some(), "every user type is in the registry");
        // The registry has at most `MAX_REGISTERED` types, so the default is never used.
        index.and_then(|index| u16::try_from(index).ok()).unwrap_or(u16::MAX)
    }

    /// Returns the name, with the parameters after `$` if the type has parameters.
    #[must_use]
    pub fn name(self) -> &'static str {
        &self.definition.name
    }

    /// Returns the size of a value in bytes.
    #[must_use]
    pub fn size(self) -> u64 {
        self.definition.size
    }

    /// Returns the alignment of a value under the byte-order character `@`.
    ///
    /// ```
    /// use pep3118::layout::UserType;
    /// assert_eq!(UserType::by_name(b"bfloat16").unwrap().align().bytes(), 2);
    /// ```
    #[must_use]
    pub fn align(self) -> Align {
        self.definition.align
    }

    /// Returns whether the bytes of a value have a byte order. Returns `false` for a type of 1 byte.
    ///
    /// ```
    /// use pep3118::layout::UserType;
    /// assert!(UserType::by_name(b"bfloat16").unwrap().has_byte_order());
    /// ```
    #[must_use]
    pub fn has_byte_order(self) -> bool {
        self.definition.has_byte_order && self.size() > 1
    }

    /// Returns the type of the values in columns and in Arrow. [`Type::Opaque`] means that columns and Arrow contain
    /// the bytes of the values.
    ///
    /// ```
    /// use pep3118::Type;
    /// use pep3118::layout::UserType;
    /// assert_eq!(UserType::by_name(b"bfloat16").unwrap().value_type(), Type::Float32);
    /// ```
    #[must_use]
    pub fn value_type(self) -> Type {
        self.definition.value_type
    }

    /// Returns whether a column stores the bytes of a value without a conversion, apart from the byte order. Otherwise
    /// a column converts each value to [`value_type`](Self::value_type).
    pub(crate) fn is_stored_as_value(self) -> bool {
        let value_type = self.value_type();
        value_type == Type::Opaque
            || element_size(value_type) == Some(self.size())
                && matches!(self.definition.values, Values::Integer { bits, .. } if Some(u64::from(bits)) == self.size().checked_mul(8))
    }

    /// Converts `bytes` to the value. `bytes` are the bytes of one value in the byte order `endian`. A registered type
    /// without a byte order ignores `endian`.
    ///
    /// ```
    /// use pep3118::Endian;
    /// use pep3118::layout::{UserType, UserValue};
    /// let weight = UserType::by_name(b"bfloat16").unwrap();
    /// assert_eq!(weight.decode(&[0xc0, 0x3f], Endian::Little)?, UserValue::Float(1.5));
    /// # Ok::<(), pep3118::layout::UserTypeError>(())
    /// ```
    ///
    /// # Errors
    /// - `bytes` has another length than [`size`](Self::size)
    /// - the function of a registered type returns an error
    /// - there is not enough memory for a copy of a big-endian value
    pub fn decode(self, bytes: &[u8], endian: Endian) -> Result<UserValue, UserTypeError> {
        self.check_len(bytes.len())?;
        match &self.definition.values {
            Values::BFloat16 => {
                let [low, high] = le_bytes(bytes, endian);
                Ok(UserValue::Float(f32::from_le_bytes([0, 0, low, high]).into()))
            }
            Values::SmallFloat(float) => {
                let [byte] = le_bytes(bytes, endian);
                Ok(UserValue::Float(float.decode(byte)))
            }
            Values::Integer { is_signed, bits } => {
                let pattern = u128::from_le_bytes(le_bytes(bytes, endian));
                Ok(match is_signed {
                    true => UserValue::Int(extended(pattern, *bits, true).cast_signed()),
                    false => UserValue::UInt(extended(pattern, *bits, false)),
                })
            }
            Values::Registered { decode, .. } => {
                if !(self.has_byte_order() && endian == Endian::Big) {
                    return decode(bytes);
                }
                let mut reversed = Vec::new();
                reversed.try_reserve_exact(bytes.len()).map_err(|_| UserTypeError::new("there is no memory"))?;
                reversed.extend(bytes.iter().rev());
                decode(&reversed)
            }
        }
    }

    /// Writes `value` to `bytes`. `bytes` are the bytes of one value in the byte order `endian`. A registered type
    /// without a byte order ignores `endian`.
    ///
    /// ```
    /// use pep3118::Endian;
    /// use pep3118::layout::{UserType, UserValue};
    /// let mut bytes = [0; 2];
    /// UserType::by_name(b"bfloat16").unwrap().encode(&UserValue::Float(1.5), &mut bytes, Endian::Little)?;
    /// assert_eq!(bytes, [0xc0, 0x3f]);
    /// # Ok::<(), pep3118::layout::UserTypeError>(())
    /// ```
    ///
    /// # Errors
    /// - `bytes` has another length than [`size`](Self::size)
    /// - the type does not have the value: 2^23 for `int24`, or a text
    /// - the function of a registered type returns an error. `bytes` can then have any content
    pub fn encode(self, value: &UserValue, bytes: &mut [u8], endian: Endian) -> Result<(), UserTypeError> {
        self.check_len(bytes.len())?;
        match (&self.definition.values, value) {
            (Values::Registered { encode, .. }, value) => encode(value, bytes)?,
            (Values::BFloat16, value) => {
                let bits = bfloat16_bits(as_float(value).ok_or_else(|| self.wrong_kind("a number"))?);
                let bits = bits.ok_or_else(|| self.out_of_range(value))?;
                bytes.copy_from_slice(&bits.to_le_bytes());
            }
            (Values::SmallFloat(float), value) => {
                let number = as_float(value).ok_or_else(|| self.wrong_kind("a number"))?;
                bytes.fill(float.encode(number).ok_or_else(|| self.out_of_range(value))?);
            }
            (Values::Integer { is_signed, bits }, value) => {
                let (pattern, is_negative) = match value {
                    UserValue::Int(value) => (value.cast_unsigned(), *value < 0),
                    UserValue::UInt(value) => (*value, false),
                    _ => return Err(self.wrong_kind("an integer")),
                };
                let read_back = extended(pattern, *bits, *is_signed);
                let reads_negative = *is_signed && read_back.cast_signed() < 0;
                if read_back != pattern || reads_negative != is_negative {
                    return Err(self.out_of_range(value));
                }
                // The bits above the value are 0.
                let little = extended(pattern, *bits, false).to_le_bytes();
                bytes.iter_mut().zip(little).for_each(|(to, byte)| *to = byte);
            }
        }
        if self.has_byte_order() && endian == Endian::Big {
            bytes.reverse();
        }
        Ok(())
    }

    /// Returns an error if `len`, a number of bytes, is not the size of a value.
    fn check_len(self, len: usize) -> Result<(), UserTypeError> {
        if u64::try_from(len) == Ok(self.size()) {
            return Ok(());
        }
        Err(UserTypeError::new(format!("a value of {} has {} bytes, not {len}", self.name(), self.size())))
    }

    /// Creates the error for a value that is not of the kind `wanted`, such as "a number".
    fn wrong_kind(self, wanted: &str) -> UserTypeError {
        UserTypeError::new(format!("a value of {} is {wanted}", self.name()))
    }

    /// Creates the error for `value`, which the type cannot represent.
    fn out_of_range(self, value: &UserValue) -> UserTypeError {
        UserTypeError::new(format!("{value} is out of the range of {}", self.name()))
    }
}

impl PartialEq for UserType {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.definition, other.definition)
    }
}

impl Eq for UserType {}

impl core::hash::Hash for UserType {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        core::ptr::from_ref(self.definition).hash(state);
    }
}

impl fmt::Debug for UserType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UserType({})", self.name())
    }
}

impl fmt::Debug for UserTypeDefinition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("UserTypeDefinition")
            .field("name", &self.name)
            .field("size", &self.size)
            .field("align", &self.align)
            .field("has_byte_order", &self.has_byte_order)
            .field("value_type", &self.value_type)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for UserValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => fmt::Display::fmt(value, out),
            Self::UInt(value) => fmt::Display::fmt(value, out),
            Self::Float(value) => fmt::Display::fmt(value, out),
            Self::Text(text) => fmt::Display::fmt(&crate::text::escape(text), out),
            Self::Bytes(bytes) => fmt::Display::fmt(&crate::text::escape(bytes), out),
        }
    }
}

/// Returns the size in bytes of an element of type `ty` in a column, or `None` if a user type cannot have values of
/// this type.
pub fn element_size(ty: Type) -> Option<u64> {
    match ty {
        Type::Int8 | Type::UInt8 => Some(1),
        Type::Int16 | Type::UInt16 => Some(2),
        Type::Int32 | Type::UInt32 | Type::Float32 => Some(4),
        Type::Int64 | Type::UInt64 | Type::Float64 => Some(8),
        _ => None,
    }
}

/// Returns the first `W` bytes of `bytes`, least significant byte first. `bytes` has the byte order `endian`. Missing
/// bytes are 0.
fn le_bytes<const W: usize>(bytes: &[u8], endian: Endian) -> [u8; W] {
    let mut out = [0; W];
    match endian {
        Endian::Little => out.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte),
        Endian::Big => out.iter_mut().zip(bytes.iter().rev()).for_each(|(to, byte)| *to = *byte),
    }
    out
}

/// Returns the integer in the lowest `bits` bits of `pattern`, 1 to 128, extended to 128 bits: with copies of its
/// highest bit if `is_signed` is `true`, else with 0.
fn extended(pattern: u128, bits: u32, is_signed: bool) -> u128 {
    let unused = 128_u32.saturating_sub(bits);
    let shifted = pattern << unused;
    if is_signed { (shifted.cast_signed() >> unused).cast_unsigned() } else { shifted >> unused }
}

/// Returns `value` as a float, or `None` if the value is not a number.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "the result is rounded to fewer digits")]
fn as_float(value: &UserValue) -> Option<f64> {
    match value {
        UserValue::Int(value) => Some(*value as f64),
        UserValue::UInt(value) => Some(*value as f64),
        UserValue::Float(value) => Some(*value),
        UserValue::Text(_) | UserValue::Bytes(_) => None,
    }
}

/// Returns the bits of the `bfloat16` that is nearest to `number`. Rounds like `ml_dtypes`: first to the nearest
/// `float32`, then to the nearest `bfloat16`. A number half-way between two values becomes the value whose last bit is
/// zero. Returns `None` if a finite number would become infinite.
fn bfloat16_bits(number: f64) -> Option<u16> {
    let single = nearest_float32(number);
    let bits = single.to_bits();
    if single.is_nan() {
        // The sign stays. The quiet bit is set, so that the upper half is not the pattern of an infinity.
        return u16::try_from((bits >> 16_u32) | 0x40).ok();
    }
    let odd = (bits >> 16_u32) & 1;
    let rounded = bits.wrapping_add(0x7fff).wrapping_add(odd) >> 16_u32;
    let became_infinite = rounded & 0x7f80 == 0x7f80 && number.is_finite();
    if became_infinite { None } else { u16::try_from(rounded).ok() }
}

/// The definition of a type that is always in the registry.
const fn built_in(name: &'static str, size: u64, value_type: Type, values: Values) -> UserTypeDefinition {
    // The alignment is the size, and 1 byte for an integer of 3 bytes.
    let align = match Align::new(if size == 3 { 1 } else { size }) {
        Some(align) => align,
        None => Align::ONE,
    };
    UserTypeDefinition { name: Cow::Borrowed(name), size, align, has_byte_order: true, value_type, values }
}

/// The definition of a float of at most 8 bits, in one byte.
const fn small_float(name: &'static str, float: SmallFloat) -> UserTypeDefinition {
    built_in(name, 1, Type::Float32, Values::SmallFloat(float))
}

/// The definition of an integer of `bits` bits in `size` bytes. The type of the values is `value_type`.
const fn integer(name: &'static str, size: u64, value_type: Type, is_signed: bool, bits: u32) -> UserTypeDefinition {
    built_in(name, size, value_type, Values::Integer { is_signed, bits })
}

/// The definition of a date or a duration of NumPy: a number of units, in 64 bits.
const fn ticks(name: &'static str) -> UserTypeDefinition {
    integer(name, 8, Type::Int64, true, 64)
}

/// The types that are always in the registry.
static BUILT_IN: [UserTypeDefinition; 50] = [
    built_in("bfloat16", 2, Type::Float32, Values::BFloat16),
    small_float("float8_e3m4", SmallFloat::E3M4),
    small_float("float8_e4m3", SmallFloat::E4M3),
    small_float("float8_e4m3b11fnuz", SmallFloat::E4M3B11FNUZ),
    small_float("float8_e4m3fn", SmallFloat::E4M3FN),
    small_float("float8_e4m3fnuz", SmallFloat::E4M3FNUZ),
    small_float("float8_e5m2", SmallFloat::E5M2),
    small_float("float8_e5m2fnuz", SmallFloat::E5M2FNUZ),
    small_float("float8_e8m0fnu", SmallFloat::E8M0FNU),
    small_float("float4_e2m1fn", SmallFloat::E2M1FN),
    small_float("float6_e2m3fn", SmallFloat::E2M3FN),
    small_float("float6_e3m2fn", SmallFloat::E3M2FN),
    integer("int1", 1, Type::Int8, true, 1),
    integer("int2", 1, Type::Int8, true, 2),
    integer("int4", 1, Type::Int8, true, 4),
    integer("uint1", 1, Type::UInt8, false, 1),
    integer("uint2", 1, Type::UInt8, false, 2),
    integer("uint4", 1, Type::UInt8, false, 4),
    integer("int24", 3, Type::Int32, true, 24),
    integer("uint24", 3, Type::UInt32, false, 24),
    integer("int128", 16, Type::Opaque, true, 128),
    integer("uint128", 16, Type::Opaque, false, 128),
    ticks("datetime64"),
    ticks("datetime64$Y"),
    ticks("datetime64$M"),
    ticks("datetime64$W"),
    ticks("datetime64$D"),
    ticks("datetime64$h"),
    ticks("datetime64$m"),
    ticks("datetime64$s"),
    ticks("datetime64$ms"),
    ticks("datetime64$us"),
    ticks("datetime64$ns"),
    ticks("datetime64$ps"),
    ticks("datetime64$fs"),
    ticks("datetime64$as"),
    ticks("timedelta64"),
    ticks("timedelta64$Y"),
    ticks("timedelta64$M"),
    ticks("timedelta64$W"),
    ticks("timedelta64$D"),
    ticks("timedelta64$h"),
    ticks("timedelta64$m"),
    ticks("timedelta64$s"),
    ticks("timedelta64$ms"),
    ticks("timedelta64$us"),
    ticks("timedelta64$ns"),
    ticks("timedelta64$ps"),
    ticks("timedelta64$fs"),
    ticks("timedelta64$as"),
];

/// The types that the program has registered.
#[cfg(feature = "std")]
static REGISTERED: RwLock<Vec<&'static UserTypeDefinition>> = RwLock::new(Vec::new());
