//! Tests of the types of columns: the variant of `ColumnData` for addresses and texts, and the vectors that
//! `Plan::column` and `Plan::column_as` return.

use pep3118::decode::{ColumnData, Plan};
use pep3118::{DataModel, Dialect, Layout};

/// Returns the plan of `format` in the dialect PEP 3118 on the machine `model`.
fn plan(format: &str, model: &DataModel) -> Plan {
    Plan::new(&Layout::read(format.as_bytes(), &Dialect::PEP3118, model).unwrap()).unwrap()
}

/// Returns the data of the columns of one record of zeros.
fn columns(plan: &Plan) -> Vec<ColumnData> {
    let columns = plan.columns(&vec![0; plan.itemsize()], None).unwrap();
    columns.into_iter().map(|column| column.data).collect()
}

#[test]
fn addresses_are_not_integers() {
    let format = "T{P:p:&d:d:X{}:f:}";
    assert_eq!(columns(&plan(format, &DataModel::LP64)), vec![ColumnData::Address64(vec![0]); 3]);
    assert_eq!(columns(&plan(format, &DataModel::ILP32)), vec![ColumnData::Address32(vec![0]); 3]);
}

#[test]
fn object_addresses_are_neither_integers_nor_other_addresses() {
    assert_eq!(columns(&plan("O", &DataModel::LP64)), [ColumnData::Object64(vec![0])]);
    assert_eq!(columns(&plan("O", &DataModel::ILP32)), [ColumnData::Object32(vec![0])]);
}

#[test]
fn code_units_of_text_are_not_integers() {
    let found = columns(&plan("T{2u:two:3w:four:}", &DataModel::LP64));
    assert_eq!(found, [ColumnData::Ucs2(vec![0; 2]), ColumnData::Ucs4(vec![0; 3])]);
}

#[test]
fn a_column_of_integers_does_not_encode_addresses() {
    let plan = plan("P", &DataModel::LP64);
    let mut columns = plan.columns(&[1, 0, 0, 0, 0, 0, 0, 0], None).unwrap();
    assert_eq!(plan.encode_columns(&columns).unwrap(), [1, 0, 0, 0, 0, 0, 0, 0]);
    columns[0].data = ColumnData::UInt64(vec![1]);
    let error = plan.encode_columns(&columns).unwrap_err().to_string();
    assert!(error.contains("uint64") && error.contains("addresses of 8 bytes"), "{error}");
}

#[test]
fn a_typed_column_has_the_elements_of_the_column() {
    let plan = plan("T{>h:a:(2)>d:b:?:c:(2)T{<I:x:3s:y:}:d:}", &DataModel::LP64);
    let records: Vec<u8> = (0..plan.itemsize() * 3).map(|byte| u8::try_from(byte * 7 % 251).unwrap()).collect();
    let columns = plan.columns(&records, None).unwrap();
    assert_eq!(ColumnData::Int16(plan.column("a", &records).unwrap()), columns[0].data);
    assert_eq!(ColumnData::Float64(plan.column("b", &records).unwrap()), columns[1].data);
    assert_eq!(ColumnData::Bool(plan.column("c", &records).unwrap()), columns[2].data);
    assert_eq!(ColumnData::UInt32(plan.column("d.x", &records).unwrap()), columns[3].data);
    assert_eq!(ColumnData::Bytes(plan.column(b"d.y", &records).unwrap()), columns[4].data);
    assert!(plan.column::<i16>("a", &records[1..]).is_err());
    assert_eq!(plan.column::<i16>("z", &records).unwrap_err().to_string(), "no field is named `z`");
}

#[test]
fn a_widened_column_has_equal_numbers() {
    let plan = plan("T{>h:a:<I:b:<e:c:<f:d:<Zf:e:}", &DataModel::LP64);
    let record = [&[0x80, 0][..], &[255; 4], &[0, 0xbc], &1.5_f32.to_le_bytes(), &[0; 8]].concat();
    assert_eq!(plan.column_as::<i16>("a", &record).unwrap(), [-32768]);
    assert_eq!(plan.column_as::<i64>("a", &record).unwrap(), [-32768]);
    assert_eq!(plan.column_as::<f32>("a", &record).unwrap(), [-32768.0]);
    assert_eq!(plan.column_as::<u64>("b", &record).unwrap(), [4_294_967_295]);
    assert_eq!(plan.column_as::<f64>("b", &record).unwrap(), [4_294_967_295.0]);
    assert_eq!(plan.column_as::<f32>("c", &record).unwrap(), [-1.0]);
    assert_eq!(plan.column_as::<f64>("d", &record).unwrap(), [1.5]);
    assert_eq!(plan.column_as::<num_complex::Complex<f64>>("e", &record).unwrap().len(), 1);
}

#[test]
fn a_column_is_not_widened_to_a_type_that_loses_values() {
    let plan = plan("T{P:p:O:o:<q:a:<h:b:<d:c:2u:t:}", &DataModel::LP64);
    let record = vec![0; plan.itemsize()];
    let refused = |name: &str, error: Result<Vec<f64>, pep3118::decode::DecodeError>| {
        let message = error.unwrap_err().to_string();
        assert!(message.ends_with("but float64 was requested"), "{name}: {message}");
    };
    for name in ["a", "p", "t", "o"] {
        refused(name, plan.column_as::<f64>(name, &record));
    }
    let message = |error: pep3118::decode::DecodeError| error.to_string();
    assert_eq!(
        plan.column_as::<u32>("b", &record).map_err(message),
        Err("items are int16 but uint32 was requested".to_owned())
    );
    assert_eq!(
        plan.column_as::<f32>("c", &record).map_err(message),
        Err("items are float64 but float32 was requested".to_owned())
    );
    assert_eq!(
        plan.column_as::<i64>("p", &record).map_err(message),
        Err("items are pointer but int64 was requested".to_owned())
    );
}
