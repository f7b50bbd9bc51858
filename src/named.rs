//! [`named_enum!`]: defines an enum whose variants have names. [`UnknownName`]: the error for an unknown name.

use alloc::string::String;

use crate::text::escape;

/// The error for a text that is not a known name of an enum variant, a dialect or a data model.
///
/// ```
/// use pep3118::Endian;
/// assert_eq!("big".parse(), Ok(Endian::Big));
/// let error = "middle".parse::<Endian>().unwrap_err();
/// assert_eq!(error.to_string(), "`middle` is not the name of an `Endian`: the names are `little`, `big`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownName {
    /// The unknown name.
    text: String,
    /// The name of the type: `Endian`.
    ty: &'static str,
    /// All names of the type.
    names: &'static [&'static str],
}

impl UnknownName {
    /// Creates the error for the unknown name `text` of the type `ty`. `names` contains all names of the type.
    pub(crate) fn new(text: &str, ty: &'static str, names: &'static [&'static str]) -> Self {
        Self { text: text.into(), ty, names }
    }
}

impl core::fmt::Display for UnknownName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let article = if self.ty.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
        write!(f, "`{}` is not the name of {article} `{}`: the names are ", escape(&self.text), self.ty)?;
        for (index, name) in self.names.iter().enumerate() {
            write!(f, "{}`{name}`", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownName {}

/// Defines an enum and a name for each variant. Implements the constant `ALL`, the functions `as_str` and `by_name`,
/// `Display` and `FromStr`. With the feature `serde`, implements `Serialize` and `Deserialize`, which write and read
/// the name.
///
/// The macro is used instead of the derive macros of `strum`. With `strum`, its traits and its error type would
/// become a part of the public API, and `as_str` would not be `const`.
macro_rules! named_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $Enum:ident {
            $($(#[$variant_attribute:meta])* $Variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $Enum {
            $($(#[$variant_attribute])* $Variant,)+
        }

        impl $Enum {
            /// All variants, in the order of their declaration.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$Variant),+];

            /// Returns the name of the variant. `Display` writes the same name.
            ///
            /// ```
            /// assert_eq!(pep3118::Endian::Big.as_str(), "big");
            /// ```
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$Variant => $name,)+
                }
            }

            /// Returns the variant with the name `name`. Returns `None` if no variant has this name.
            ///
            /// ```
            /// assert_eq!(pep3118::Endian::by_name("big"), Some(pep3118::Endian::Big));
            /// ```
            #[must_use]
            pub fn by_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.as_str() == name)
            }
        }

        impl core::str::FromStr for $Enum {
            type Err = crate::named::UnknownName;

            /// Returns the variant with the name `text`.
            ///
            /// # Errors
            /// - no variant has the name `text`
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::by_name(text).ok_or_else(|| crate::named::UnknownName::new(text, stringify!($Enum), &[$($name),+]))
            }
        }

        /// Writes the name of the variant.
        #[cfg(feature = "serde")]
        impl serde::Serialize for $Enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        /// Reads the name of the variant.
        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $Enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <alloc::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                Self::by_name(&name).ok_or_else(|| serde::de::Error::unknown_variant(&name, &[$($name),+]))
            }
        }

        impl core::fmt::Display for $Enum {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use named_enum;
