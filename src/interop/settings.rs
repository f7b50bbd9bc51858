//! Feature `serde`: `Serialize` and `Deserialize` for the values that determine a layout: alignments, data models,
//! dialects, bit-fields and user types. The data of each value passes the checks of its constructor.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use crate::abi::{DataModel, LongDoubleAbi, LongDoubleFormat};
use crate::align::{Align, to_u64};
use crate::decode::LongDouble;
use crate::endian::Endian;
use crate::format::Code;
use crate::layout::{
    Alignment, BitField, Codes, CountLimit, Dialect, NamedPadding, NativeOnly, Nul, Placement, RecordSpacing,
    StructureSize, Syntax, TrailingPadding, Type, UserType, Whitespace, WideChar, ZeroCount,
};
use crate::text::escape;

/// The name of a data model that was read from a map of sizes. Also the name of a dialect that was read from a map of
/// rules, unless the map has the name of a predefined dialect.
const CUSTOM: &str = "custom";

/// Writes the alignment in bytes.
impl Serialize for Align {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.bytes())
    }
}

/// Reads an alignment in bytes. An alignment that is not a power of two is an error.
impl<'de> Deserialize<'de> for Align {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = u64::deserialize(deserializer)?;
        Self::new(bytes).ok_or_else(|| D::Error::custom(format!("an alignment of {bytes} bytes is not a power of two")))
    }
}

/// The data of [`BitField`].
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct BitFieldJson {
    #[serde(rename = "type")]
    ty: Type,
    offset: u8,
    width: u8,
}

/// Writes a map with the keys `type`, `offset` and `width`, see [`BitField::new`].
impl Serialize for BitField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        BitFieldJson { ty: self.ty(), offset: self.offset(), width: self.width() }.serialize(serializer)
    }
}

/// Reads the map that a bit-field writes. Numbers that [`BitField::new`] refuses are an error.
impl<'de> Deserialize<'de> for BitField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let BitFieldJson { ty, offset, width } = BitFieldJson::deserialize(deserializer)?;
        Self::new(ty, offset, width)
            .ok_or_else(|| D::Error::custom(format!("no bit-field of {width} bits at bit {offset} has the type {ty}")))
    }
}

/// The data of [`LongDoubleAbi`].
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LongDoubleJson {
    size: u64,
    align: Align,
    format: LongDoubleFormat,
}

/// Writes a map with the keys `size`, `align` and `format`.
impl Serialize for LongDoubleAbi {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { size, align, format } = *self;
        LongDoubleJson { size, align, format }.serialize(serializer)
    }
}

/// Reads the map that a `LongDoubleAbi` writes. A size that is too small for the format, and a size of more than 16
/// bytes, are errors.
impl<'de> Deserialize<'de> for LongDoubleAbi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let LongDoubleJson { size, align, format } = LongDoubleJson::deserialize(deserializer)?;
        if size < to_u64(LongDouble::width(format)) || size > 16 || align > Align::SIXTEEN {
            return Err(D::Error::custom(format!("no `long double` has {size} bytes and the alignment {align}")));
        }
        Ok(Self { size, align, format })
    }
}

/// The JSON of a [`DataModel`]: the name of a predefined data model, or the sizes of the types.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum DataModelJson<'m> {
    Name(Cow<'m, str>),
    #[serde(deserialize_with = "data_model_sizes")]
    Sizes(DataModelSizes),
}

/// The data of a data model that is not predefined. Sizes and alignments are in bytes.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DataModelSizes {
    endian: Endian,
    long: u64,
    pointer: u64,
    wchar: u64,
    long_long_align: Align,
    double_align: Align,
    long_double: LongDoubleAbi,
}

/// Reads the sizes and alignments of a data model. Returns an error if no C compiler uses one of these numbers.
fn data_model_sizes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DataModelSizes, D::Error> {
    let sizes = DataModelSizes::deserialize(deserializer)?;
    let is_valid = matches!(sizes.long, 4 | 8)
        && matches!(sizes.pointer, 4 | 8)
        && matches!(sizes.wchar, 2 | 4)
        && sizes.long_long_align <= Align::SIXTEEN
        && sizes.double_align <= Align::SIXTEEN;
    if is_valid { Ok(sizes) } else { Err(D::Error::custom("no machine has C types of these sizes and alignments")) }
}

/// Writes the name of a predefined data model, such as `"lp64"`, or a map of all sizes. [`DataModel::HOST`] is written by
/// its sizes or by the name of an equal data model, because the name `host` means another data model on another machine.
impl Serialize for DataModel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(equal) = Self::ALL.into_iter().find(|model| model == self) {
            return serializer.serialize_str(equal.name);
        }
        let Self { name: _, endian, long, pointer, wchar, long_long_align, double_align, long_double } = *self;
        DataModelSizes { endian, long, pointer, wchar, long_long_align, double_align, long_double }
            .serialize(serializer)
    }
}

/// Reads the name of a predefined data model or a map of all sizes. A data model that is read from a map has the name
/// `custom`.
impl<'de> Deserialize<'de> for DataModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match DataModelJson::deserialize(deserializer)? {
            DataModelJson::Name(name) => Self::ALL.into_iter().find(|model| model.name == name).ok_or_else(|| {
                let names: Vec<&str> = Self::ALL.iter().map(|model| model.name).collect();
                D::Error::custom(format!("no data model has the name `{}`: {}", escape(&*name), names.join(", ")))
            }),
            DataModelJson::Sizes(sizes) => {
                let DataModelSizes { endian, long, pointer, wchar, long_long_align, double_align, long_double } = sizes;
                let name = CUSTOM;
                Ok(Self { name, endian, long, pointer, wchar, long_long_align, double_align, long_double })
            }
        }
    }
}

/// Writes the name, such as `"bfloat16"`.
impl Serialize for UserType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Reads the name of a user type. Returns the type of this name from the registry of this program, or an error if the
/// registry has no such type.
impl<'de> Deserialize<'de> for UserType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <Cow<'_, str>>::deserialize(deserializer)?;
        Self::by_name(name.as_bytes())
            .ok_or_else(|| D::Error::custom(format!("no user type has the name `{}`", escape(&*name))))
    }
}

/// Writes a list of the format characters.
impl Serialize for Codes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(Code::ALL.into_iter().filter(|code| self.contains(*code)))
    }
}

/// Reads a list of format characters.
impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::NONE.with(&Vec::<Code>::deserialize(deserializer)?))
    }
}

/// Writes the names of the constructs, such as `"STRUCTURES | NAMES"`.
impl Serialize for Syntax {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<&str> = self.iter_names().map(|(name, _)| name).collect();
        serializer.collect_str(&names.join(" | "))
    }
}

/// Reads the names of constructs, with `|` between the names. An unknown name is an error.
impl<'de> Deserialize<'de> for Syntax {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'_, str>>::deserialize(deserializer)?;
        let mut syntax = Self::empty();
        for name in text.split('|').map(str::trim).filter(|name| !name.is_empty()) {
            syntax |= Self::from_name(name)
                .ok_or_else(|| D::Error::custom(format!("`{}` is not the name of a construct", escape(name))))?;
        }
        Ok(syntax)
    }
}

/// The data of [`Dialect`].
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum DialectJson<'d> {
    Name(Cow<'d, str>),
    #[serde(borrow)]
    Rules(DialectRules<'d>),
}

/// The data of a dialect that is not predefined.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DialectRules<'d> {
    #[serde(borrow)]
    name: Cow<'d, str>,
    codes: Codes,
    sole_codes: Codes,
    syntax: Syntax,
    placement: Placement,
    whitespace: Whitespace,
    alignment: Alignment,
    structure_size: StructureSize,
    trailing_padding: TrailingPadding,
    record_spacing: RecordSpacing,
    native_only: NativeOnly,
    wide_char: WideChar,
    named_padding: NamedPadding,
    zero_count: ZeroCount,
    count_limit: CountLimit,
    nul: Nul,
}

/// Writes the name of a predefined dialect, such as `"numpy"`, or a map of all rules.
impl Serialize for Dialect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if Self::by_name(self.name) == Some(self) {
            return serializer.serialize_str(self.name);
        }
        let rules = DialectRules {
            name: self.name.into(),
            codes: self.codes,
            sole_codes: self.sole_codes,
            syntax: self.syntax,
            placement: self.placement,
            whitespace: self.whitespace,
            alignment: self.alignment,
            structure_size: self.structure_size,
            trailing_padding: self.trailing_padding,
            record_spacing: self.record_spacing,
            native_only: self.native_only,
            wide_char: self.wide_char,
            named_padding: self.named_padding,
            zero_count: self.zero_count,
            count_limit: self.count_limit,
            nul: self.nul,
        };
        rules.serialize(serializer)
    }
}

/// Reads the name of a predefined dialect or a map of all rules. If the name in a map is the name of a predefined
/// dialect, the result has this name. Otherwise the result has the name `custom`.
impl<'de> Deserialize<'de> for Dialect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules = match DialectJson::deserialize(deserializer)? {
            DialectJson::Name(name) => return name.parse().map_err(D::Error::custom),
            DialectJson::Rules(rules) => rules,
        };
        Ok(Self {
            name: Self::by_name(&rules.name).map_or(CUSTOM, |dialect| dialect.name),
            codes: rules.codes,
            sole_codes: rules.sole_codes,
            syntax: rules.syntax,
            placement: rules.placement,
            whitespace: rules.whitespace,
            alignment: rules.alignment,
            structure_size: rules.structure_size,
            trailing_padding: rules.trailing_padding,
            record_spacing: rules.record_spacing,
            native_only: rules.native_only,
            wide_char: rules.wide_char,
            named_padding: rules.named_padding,
            zero_count: rules.zero_count,
            count_limit: rules.count_limit,
            nul: rules.nul,
        })
    }
}
