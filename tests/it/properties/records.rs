//! Properties of derived records: a struct has the values of the dynamic record, for every layout that matches the struct.

use arbitrary::{Result, Unstructured};
use pep3118::decode::{Plan, Value};
use pep3118::{DataModel, Dialect, Layout, Record};

/// A struct in Rust's default representation.
#[derive(Record, Clone, Debug, PartialEq)]
struct Mixed {
    a: u8,
    b: i16,
    c: u32,
    d: [i64; 2],
    e: bool,
    f: [u8; 3],
    g: Pair,
    h: [Pair; 2],
}

/// A record in another record.
#[derive(Record, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Pair {
    x: u16,
    y: i32,
}

/// A struct that the library copies if the layouts are equal.
#[derive(Record, bytemuck::AnyBitPattern, bytemuck::NoUninit, Clone, Copy, Debug, PartialEq)]
#[record(plain)]
#[repr(C)]
struct Plain {
    a: u32,
    b: u16,
    c: [u8; 2],
    d: u64,
}

/// Members that match a field of [`Mixed`] or [`Plain`], without the byte-order character.
const FIELDS: &[&str] = &[
    "B:a:",
    "h:b:",
    "I:c:",
    "(2)q:d:",
    "?:e:",
    "3s:f:",
    "T{H:x:i:y:}:g:",
    "(2)T{H:x:i:y:}:h:",
    "I:a:",
    "H:b:",
    "2s:c:",
    "(2)B:c:",
    "Q:d:",
    "H:x:",
    "i:y:",
    "x",
    "3x",
    "d:z:",
    "T{i:y:H:x:}:g:",
    "(2)T{xi:y:H:x:}:h:",
    "(3)B:f:",
    "w:b:",
    "l:c:",
];

/// Generates a format with the fields of a struct in a random order, and with random padding and byte orders. Some fields
/// are missing or have another type.
fn format(bytes: &mut Unstructured<'_>) -> Result<String> {
    let mut members: Vec<&str> = match bytes.int_in_range(0..=3)? {
        0 => FIELDS[..8].to_vec(),
        1 => vec!["I:a:", "H:b:", "2s:c:", "Q:d:"],
        2 => vec!["H:x:", "i:y:"],
        _ => (0..bytes.int_in_range(0..=8)?).map(|_| bytes.choose(FIELDS).copied()).collect::<Result<_>>()?,
    };
    if bytes.arbitrary()? {
        for at in (1..members.len()).rev() {
            members.swap(at, bytes.int_in_range(0..=at)?);
        }
    }
    if bytes.ratio(1, 3)? {
        members.insert(bytes.int_in_range(0..=members.len())?, *bytes.choose(FIELDS)?);
    }
    let one_order = *bytes.choose(&["", "<", ">", "=", "@"])?;
    let mut format = String::from("T{");
    for member in members {
        let order = if bytes.ratio(1, 6)? { *bytes.choose(&["<", ">", "=", "@"])? } else { one_order };
        // A byte-order character before a structure applies to its fields.
        format += order;
        format += member;
    }
    Ok(format + "}")
}

/// Reads random items of a random layout as structs of three types. Asserts that each struct has the values of the dynamic
/// record, and that an encoding of the structs has the same values. Returns the number of types that the layout matches.
pub fn read_records(bytes: &mut Unstructured<'_>) -> Result<usize> {
    let format = format(bytes)?;
    let Ok(layout) = Layout::read(&format, &Dialect::PEP3118, &DataModel::HOST) else { return Ok(0) };
    let plan = Plan::new(&layout).unwrap();
    let count = if bytes.ratio(1, 8)? { bytes.int_in_range(0..=300)? } else { bytes.int_in_range(0..=5)? };
    let mut items = vec![0; plan.itemsize() * count];
    bytes.fill_buffer(&mut items)?;
    let values: Vec<Value> = plan.values(&items).unwrap().map(std::result::Result::unwrap).collect();
    let mixed = read_as::<Mixed>(&plan, &items, &values, |record, value| {
        let pairs = |pair: &Pair| pair_values(pair);
        assert_eq!(field(value, "a"), [Value::UInt(record.a.into())]);
        assert_eq!(field(value, "b"), [Value::Int(record.b.into())]);
        assert_eq!(field(value, "c"), [Value::UInt(record.c.into())]);
        assert_eq!(field(value, "d"), record.d.map(Value::Int));
        assert_eq!(field(value, "e"), [Value::Bool(record.e)]);
        assert_eq!(byte_string(value, "f"), record.f);
        assert_eq!(field(value, "g").iter().flat_map(pair_fields).collect::<Vec<_>>(), pairs(&record.g));
        let all: Vec<Value> = record.h.iter().flat_map(pairs).collect();
        assert_eq!(field(value, "h").iter().flat_map(pair_fields).collect::<Vec<_>>(), all);
    });
    let pair = read_as::<Pair>(&plan, &items, &values, |record, value| {
        assert_eq!(pair_fields(value), pair_values(record));
    });
    let plain = read_as::<Plain>(&plan, &items, &values, |record, value| {
        assert_eq!(field(value, "a"), [Value::UInt(record.a.into())]);
        assert_eq!(field(value, "b"), [Value::UInt(record.b.into())]);
        assert_eq!(byte_string(value, "c"), record.c);
        assert_eq!(field(value, "d"), [Value::UInt(record.d)]);
    });
    if let Ok(records) = plan.cast_records::<Plain>(&items) {
        assert_eq!(records, plan.read_records::<Plain>(&items).unwrap());
    }
    Ok(usize::from(mixed) + usize::from(pair) + usize::from(plain))
}

/// Reads `items` as structs of type `T`. Calls `compare` with each struct and the value of the same item. Encodes the
/// structs, and asserts that the result has the same structs. Returns whether the layout matches `T`.
fn read_as<T: Record + PartialEq + std::fmt::Debug>(
    plan: &Plan,
    items: &[u8],
    values: &[Value],
    compare: impl Fn(&T, &Value),
) -> bool {
    let Ok(records) = plan.records::<T>() else {
        assert!(plan.read_records::<T>(items).is_err());
        return false;
    };
    let read = records.read(items).unwrap();
    if plan.itemsize() > 0 {
        assert_eq!(read.len(), values.len());
    }
    read.iter().zip(values).for_each(|(record, value)| compare(record, value));
    let encoded = records.encode(&read).unwrap();
    assert_eq!(records.read(&encoded).unwrap(), read);
    // Padding keeps its bytes, so a write of the same structs changes no byte other than those of bools.
    let mut again = items.to_vec();
    records.write(&read, &mut again).unwrap();
    assert_eq!(records.read(&again).unwrap(), read);
    let mut short = vec![0xa5; items.len().saturating_sub(1)];
    assert!(items.is_empty() || records.write(&read, &mut short).is_err());
    assert!(short.iter().all(|byte| *byte == 0xa5));
    true
}

/// Returns the value of the field `name` of the record `value`, or the elements of an array.
fn field(value: &Value, name: &str) -> Vec<Value> {
    let Value::Record(record) = value else { panic!("{value:?}") };
    match record.get(name).unwrap_or_else(|| panic!("{name} of {value:?}")) {
        Value::Array(array) => array.values().to_vec(),
        value => vec![value.clone()],
    }
}

/// Returns the bytes of the field `name`, which is a byte string or an array of bytes.
fn byte_string(value: &Value, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for value in field(value, name) {
        match value {
            Value::Bytes(bytes) => out.extend(bytes),
            Value::UInt(byte) => out.push(u8::try_from(byte).unwrap()),
            other => panic!("{other:?}"),
        }
    }
    out
}

/// Returns the fields `x` and `y` of a record.
fn pair_fields(value: &Value) -> Vec<Value> {
    [field(value, "x"), field(value, "y")].concat()
}

/// Returns the fields of `pair` as values.
fn pair_values(pair: &Pair) -> Vec<Value> {
    vec![Value::UInt(pair.x.into()), Value::Int(pair.y.into())]
}
