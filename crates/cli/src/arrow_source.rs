//! `emit --to arrow-schema`: Python source of the schema that `decode --to arrow` writes.

use arrow_schema::{DataType, Field, Metadata, Schema};
use pep3118::__private::{is_python_name, python_string};
use pep3118::Layout;
use pep3118::arrow::Mapping;
use pep3118::layout::SourceError;

/// Returns Python source that assigns the Arrow schema of `layout` to the variable `name`, as a `pyarrow.Schema`.
/// Returns the message of an error if a variable cannot have the name `name`, if `name` is `pa` (the name of the
/// imported module), or if a field has no type in Arrow.
pub(super) fn schema(layout: &Layout, name: &str) -> Result<String, String> {
    if !is_python_name(name) || name == "pa" {
        return Err(SourceError::Name { language: "Python", name: name.to_owned() }.to_string());
    }
    let mapping = Mapping::new(layout).map_err(|error| error.to_string())?;
    let Schema { fields, metadata } = &**mapping.schema();
    let fields = fields.iter().map(|field| field_source(field, 2)).collect::<Result<Vec<_>, _>>()?;
    let fields: String = fields.iter().map(|field| format!("        {field},\n")).collect();
    let metadata = metadata_source(metadata);
    Ok(format!("import pyarrow as pa\n\n{name} = pa.schema(\n    [\n{fields}    ],\n    metadata={metadata},\n)\n"))
}

/// Returns the call that creates `field` in Python. `level` is the number of indents of the line. Returns an error
/// message if [`type_source`] does.
// The function calls itself once per level of nested records. The parser and `LayoutBuilder` permit 64 levels.
fn field_source(field: &Field, level: usize) -> Result<String, String> {
    let name = python_string(field.name());
    let ty = type_source(field.data_type(), level)?;
    let nullable = if field.is_nullable() { "" } else { ", nullable=False" };
    let metadata = match field.metadata() {
        metadata if metadata.is_empty() => String::new(),
        metadata => format!(", metadata={}", metadata_source(metadata)),
    };
    Ok(format!("pa.field({name}, {ty}{nullable}{metadata})"))
}

/// Returns the call that creates the type `ty` in Python. `level` is the number of indents of the line. Returns an
/// error message if `ty` is a type that no layout has.
fn type_source(ty: &DataType, level: usize) -> Result<String, String> {
    Ok(match ty {
        DataType::Boolean => "pa.bool_()".to_owned(),
        DataType::Int8 => "pa.int8()".to_owned(),
        DataType::Int16 => "pa.int16()".to_owned(),
        DataType::Int32 => "pa.int32()".to_owned(),
        DataType::Int64 => "pa.int64()".to_owned(),
        DataType::UInt8 => "pa.uint8()".to_owned(),
        DataType::UInt16 => "pa.uint16()".to_owned(),
        DataType::UInt32 => "pa.uint32()".to_owned(),
        DataType::UInt64 => "pa.uint64()".to_owned(),
        DataType::Float16 => "pa.float16()".to_owned(),
        DataType::Float32 => "pa.float32()".to_owned(),
        DataType::Float64 => "pa.float64()".to_owned(),
        DataType::Utf8 => "pa.string()".to_owned(),
        DataType::Binary => "pa.binary()".to_owned(),
        DataType::FixedSizeBinary(size) => format!("pa.binary({size})"),
        DataType::FixedSizeList(element, length) => format!("pa.list_({}, {length})", field_source(element, level)?),
        DataType::Struct(fields) => {
            let level = level.saturating_add(1);
            let indent = "    ".repeat(level);
            let fields = fields.iter().map(|field| field_source(field, level)).collect::<Result<Vec<_>, _>>()?;
            let fields: String = fields.iter().map(|field| format!("{indent}{field},\n")).collect();
            let end = indent.strip_suffix("    ").unwrap_or_default();
            format!("pa.struct([\n{fields}{end}])")
        }
        other => return Err(format!("internal error: no layout has the Arrow type {other}")),
    })
}

/// Returns `metadata` as a dictionary of Python, with the keys in alphabetical order.
fn metadata_source(metadata: &Metadata) -> String {
    let entries = metadata.iter().map(|(key, value)| format!("{}: {}", python_string(key), python_string(value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}
