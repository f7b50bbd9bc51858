//! Properties of `Plan::encode` and `Plan::write_columns` for values that need not fit the layout.

use arbitrary::{Result, Unstructured};
use half::f16;
use num_complex::Complex;
use pep3118::arbitrary::number;
use pep3118::decode::{ArrayValue, Column, Plan, RecordValue, Value};
use pep3118::{Field, Layout, Type};

use super::layouts::random_layout;

/// The deepest nesting of a random value.
const DEPTH: u32 = 4;

/// Generates a value of any type, with at most `depth` levels of arrays and records.
fn any_value(bytes: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
    Ok(match bytes.int_in_range(0..=if depth > 0 { 18 } else { 16 })? {
        0 => Value::Bool(bytes.arbitrary()?),
        1 => Value::Int(number(bytes)?),
        2 => Value::UInt(number(bytes)?.cast_unsigned()),
        3 => Value::Int128(bytes.arbitrary()?),
        4 => Value::UInt128(bytes.arbitrary()?),
        5 => Value::Float16(f16::from_bits(bytes.arbitrary()?)),
        6 => Value::Float32(bytes.arbitrary()?),
        7 => Value::Float64(bytes.arbitrary()?),
        8 => Value::Complex32(Complex::new(f16::from_bits(bytes.arbitrary()?), f16::ONE)),
        9 => Value::Complex64(Complex::new(bytes.arbitrary()?, bytes.arbitrary()?)),
        10 => Value::Complex128(Complex::new(bytes.arbitrary()?, bytes.arbitrary()?)),
        11 => Value::Char(bytes.arbitrary()?),
        12 => Value::Bytes(bytes.arbitrary()?),
        13 => Value::Text(bytes.arbitrary()?),
        14 => Value::IllFormedText(bytes.arbitrary()?),
        15 => Value::Address(bytes.arbitrary()?),
        16 => Value::Opaque(bytes.arbitrary()?),
        17 => {
            let values =
                (0..bytes.int_in_range(0..=3)?).map(|_| any_value(bytes, depth - 1)).collect::<Result<Vec<_>>>()?;
            ArrayValue::new(&[values.len()], values).map_or(Value::Bool(false), Value::Array)
        }
        _ => {
            let fields = (0..bytes.int_in_range(0..=3)?)
                .map(|_| Ok((*bytes.choose(&[None, Some("a"), Some("b")])?, any_value(bytes, depth - 1)?)))
                .collect::<Result<Vec<_>>>()?;
            Value::Record(RecordValue::new(fields))
        }
    })
}

/// Generates a value for `field`. Most values have the structure of the field, and many fit.
fn value_for(field: Field<'_>, bytes: &mut Unstructured<'_>) -> Result<Value> {
    if bytes.ratio(1, 30)? {
        return any_value(bytes, DEPTH);
    }
    let count = field.shape().iter().product::<u64>();
    if !field.shape().is_empty() && count <= 64 {
        let shape: Vec<usize> = field.shape().iter().map(|length| *length as usize).collect();
        let values = (0..count).map(|_| element_for(field, bytes)).collect::<Result<Vec<_>>>()?;
        return Ok(ArrayValue::new(&shape, values).map_or(Value::Bool(false), Value::Array));
    }
    element_for(field, bytes)
}

/// Generates a value for one element of `field`.
fn element_for(field: Field<'_>, bytes: &mut Unstructured<'_>) -> Result<Value> {
    let size = usize::try_from(field.size()).unwrap_or(0).min(64);
    Ok(match field.ty() {
        Type::Record => {
            let fields = field.fields().map(|inner| Ok((inner.name(), value_for(inner, bytes)?)));
            Value::Record(RecordValue::new(fields.collect::<Result<Vec<_>>>()?))
        }
        Type::Bytes | Type::Pascal => Value::Bytes(bytes.bytes(size.min(bytes.len()))?.to_vec()),
        Type::Float64 | Type::Float32 | Type::Float16 => Value::Float64(bytes.arbitrary()?),
        Type::Int64 | Type::Int32 | Type::Int16 | Type::Int8 => Value::Int(number(bytes)?),
        Type::UInt64 | Type::UInt32 | Type::UInt16 | Type::UInt8 => Value::UInt(number(bytes)?.cast_unsigned()),
        Type::Void | Type::Bits | Type::Opaque => Value::Opaque(bytes.bytes(size.min(bytes.len()))?.to_vec()),
        _ => any_value(bytes, 0)?,
    })
}

/// Returns the integer that `value` contains, or `None` for another value.
fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) => Some((*value).into()),
        Value::UInt(value) => Some((*value).into()),
        Value::Int128(value) => Some(*value),
        _ => None,
    }
}

/// Asserts that `read`, the value after an encoding of `given`, contains the integers of `given`.
fn assert_equal_integers(given: &Value, read: &Value) {
    match (given, read) {
        (Value::Array(given), Value::Array(read)) => {
            given.values().iter().zip(read.values()).for_each(|(given, read)| assert_equal_integers(given, read));
        }
        (Value::Record(given), Value::Record(read)) => {
            given.values().iter().zip(read.values()).for_each(|(given, read)| assert_equal_integers(given, read));
        }
        _ => {
            if let (Some(given), Some(read)) = (integer(given), integer(read)) {
                assert_eq!(given, read);
            }
        }
    }
}

/// Encodes a random value into an item of a random layout. If the value is refused, asserts that the item is unchanged.
/// Otherwise asserts that the decoded integers are the given integers, and that a second encoding of the decoded value
/// gives the same bytes. Returns whether the value was accepted.
pub fn encode_value(bytes: &mut Unstructured<'_>) -> Result<bool> {
    let (format, layout) = random_layout(bytes)?;
    let plan = Plan::new(&layout).unwrap();
    let value = if bytes.ratio(1, 8)? { any_value(bytes, DEPTH)? } else { value_for(layout.item(), bytes)? };
    let mut item = vec![0xa5; plan.itemsize()];
    let encoded = plan.encode(&value, &mut item);
    if encoded.is_err() {
        assert!(item.iter().all(|byte| *byte == 0xa5), "{format}: {value:?}: {encoded:?}");
    } else {
        let read = plan.value(&item).unwrap();
        if !layout.has_overlaps() {
            assert_equal_integers(&value, &read);
        }
        let mut again = item.clone();
        plan.encode(&read, &mut again).unwrap_or_else(|error| panic!("{format}: {read:?}: {error}"));
        assert_eq!(again, item, "{format}: {value:?}");
    }
    let mut short = vec![0; plan.itemsize().saturating_sub(1)];
    assert!(plan.itemsize() == 0 || plan.encode(&value, &mut short).is_err());
    write_random_columns(&format, &layout, &plan, bytes)?;
    Ok(encoded.is_ok())
}

/// Writes columns whose names, types, shapes or lengths can be wrong. If the columns are refused, asserts that the
/// records are unchanged.
fn write_random_columns(format: &str, layout: &Layout, plan: &Plan, bytes: &mut Unstructured<'_>) -> Result<()> {
    if layout.size() == 0 {
        return Ok(());
    }
    let rows = bytes.int_in_range(0..=20)?;
    let mut records = vec![0; plan.itemsize() * rows];
    bytes.fill_buffer(&mut records)?;
    let Ok(mut columns) = plan.columns(&records, None) else { return Ok(()) };
    if !columns.is_empty() {
        let (from, to) = (bytes.choose_index(columns.len())?, bytes.choose_index(columns.len())?);
        match bytes.int_in_range(0..=4)? {
            0 => columns[to].data = columns[from].data.clone(),
            1 => columns[to].name = columns[from].name.clone(),
            2 => columns[to].shape = vec![bytes.int_in_range(0..=3)?],
            3 => drop::<Column>(columns.remove(to)),
            _ => {}
        }
    }
    let mut target = vec![0xa5; records.len()];
    if let Err(error) = plan.write_columns(&columns, &mut target) {
        assert!(target.iter().all(|byte| *byte == 0xa5), "{format}: {error}");
    }
    let _ = plan.encode_columns(&columns);
    Ok(())
}
