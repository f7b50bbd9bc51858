//! Tests of feature `serde`: values as JSON.

use pep3118::decode::{ArrayValue, Plan, RecordValue, Value};
use pep3118::{DataModel, Dialect, Layout};

use crate::snapshot;

/// Returns `value` as JSON.
fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn every_kind_of_value_is_serialized() {
    use half::f16;
    use num_complex::Complex;
    use pep3118::LongDoubleFormat::X87;
    use pep3118::decode::LongDouble;
    let float = |number| LongDouble::from_f64(number, X87);
    let values = [
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::UInt(u64::MAX),
        Value::Float16(f16::from_f32(0.1)),
        Value::Float32(0.1),
        Value::Float64(0.1),
        Value::Float32(f32::MAX),
        Value::Float64(-0.0),
        Value::Float16(f16::NAN),
        Value::Float32(f32::INFINITY),
        Value::Float64(f64::NEG_INFINITY),
        Value::LongDouble(float(0.1)),
        Value::Complex32(Complex::new(f16::from_f32(0.5), f16::NEG_INFINITY)),
        Value::Complex64(Complex::new(0.1, -2.0)),
        Value::Complex128(Complex::new(0.1, f64::NAN)),
        Value::ComplexLongDouble(Complex::new(float(0.1), float(2.0))),
        Value::Char(0xff),
        Value::Bytes(b"a\"\\\0\xff".to_vec()),
        Value::Text("h\u{e9}\u{1f600}".to_owned()),
        Value::IllFormedText(vec![0xd800, 0x41]),
        Value::Void(vec![0, 255]),
        Value::Address(0xffff_8000_0000_0000),
        Value::Opaque(vec![1, 2]),
        Value::Array(ArrayValue::new(&[2, 0], Vec::new()).unwrap()),
        Value::Array(ArrayValue::new(&[1 << 30, 0], Vec::new()).unwrap()),
        Value::Array(ArrayValue::new(&[0, 2], Vec::new()).unwrap()),
        Value::Array(ArrayValue::new(&[1, 2, 2], (0..4).map(Value::Int).collect()).unwrap()),
        Value::Record(RecordValue::new([
            (Some(&b"z"[..]), Value::Int(1)),
            (Some(b"\xff"), Value::Int(2)),
            (None, Value::Record(RecordValue::new([(Some("a"), Value::Bool(false))]))),
        ])),
    ];
    let page: Vec<String> = values.iter().map(|value| format!("{:16} {}", value.kind(), json(value))).collect();
    snapshot::check("interop", "values-json", "one value of each kind", &page.join("\n"));
}

#[test]
fn records_keep_the_order_of_their_fields() {
    let layout = Layout::read(b"T{<i:z:T{<d:y:(2,2)B:x:}:n:<Q}", &Dialect::PEP3118, &DataModel::LP64).unwrap();
    let mut item = (-1_i32).to_le_bytes().to_vec();
    item.extend(2.5_f64.to_le_bytes());
    item.extend([1, 2, 3, 4]);
    item.extend(u64::MAX.to_le_bytes());
    let value = Plan::new(&layout).unwrap().value(&item).unwrap();
    assert_eq!(json(&value), r#"{"z":-1,"n":{"y":2.5,"x":[[1,2],[3,4]]},"f2":18446744073709551615}"#);
}
