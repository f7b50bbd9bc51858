//! Tests of `BatchEncoder` and of the Arrow C data interface: rows of record batches become items.
#![allow(unsafe_code, reason = "the structs of the C data interface contain pointers")]

use std::cell::Cell;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Int32Builder, ListBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, DurationMillisecondType, Float32Type, Int64Type, TimestampNanosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, LargeStringArray, RecordBatch, StringArray, StructArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt8Array, UInt64Array, ffi,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, TimeUnit};
use pep3118::arrow::{ArrowArray, ArrowSchema, BatchError, KnownField, Mapping};
use pep3118::decode::Plan;
use pep3118::{DataModel, Dialect, Layout};

use crate::property_search::search_until;

/// Returns the layout of `format` in the dialect PEP 3118 on lp64.
fn layout(format: &str) -> Layout {
    Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap_or_else(|error| panic!("{error:#}"))
}

/// Returns the mapping of `format` to Arrow types, for the dialect PEP 3118 on lp64.
fn mapping(format: &str) -> Mapping {
    Mapping::new(&layout(format)).unwrap()
}

/// Returns a record batch with the columns `columns`. All fields of its schema are nullable.
fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// Encodes `batch` as items of the format `format`.
fn encode(format: &str, batch: &RecordBatch) -> Result<Vec<u8>, BatchError> {
    mapping(format).encoder(batch.schema_ref())?.encode(batch)
}

/// Returns the message of the error that `encode` returns. Panics if `encode` returns no error.
fn message(format: &str, batch: &RecordBatch) -> String {
    encode(format, batch).unwrap_err().to_string()
}

#[test]
fn rows_become_the_items_that_they_were_created_from() {
    let items: Vec<u8> = (0..240).collect();
    for format in [
        "T{<I:id:T{>d:x:(2)<h:m:}:in:4s:s:}",
        "(3,4)>H",
        "(2)T{<H:a:(2)T{b:x:B:y:}:b:}",
        "T{c:a:4p:b:(3)c:c:}",
        "<Zd",
        ">Ze",
        "T{B:a:T{B:a:B:b:}:f0:B}",
        "T{<H:a:<H:a:}",
        "T{<[bfloat16]:a:[int24]:b:[uint128]:c:B:d:}",
        "T{[datetime64$ns]:a:[timedelta64$h]:b:}",
    ] {
        let mapping = mapping(format);
        let size = usize::try_from(layout(format).size()).unwrap();
        let items = &items[..items.len() / size * size];
        let batch = mapping.batch_of_bytes(items.to_vec().into()).unwrap();
        assert_eq!(encode(format, &batch).unwrap(), items, "{format}");
        // The rows of a part of a batch do not start at the start of its memory.
        let rows = batch.slice(1, batch.num_rows() - 1);
        assert_eq!(encode(format, &rows).unwrap(), items[size..], "{format}");
    }
}

#[test]
fn rows_of_random_layouts_have_the_same_columns_as_their_items() {
    let compared = Cell::new(0_usize);
    search_until(
        1000,
        || compared.get() > 1000,
        |random| {
            let (format, layout) = crate::properties::layouts::random_layout(random)?;
            let Ok(mapping) = Mapping::new(&layout) else { return Ok(()) };
            let rows = random.int_in_range(1..=5)?;
            let items = random.bytes(rows * usize::try_from(layout.size()).unwrap())?.to_vec();
            let Ok(batch) = mapping.batch_of_rows(&items, if layout.size() == 0 { 0 } else { rows }) else {
                return Ok(());
            };
            let encoder = mapping.encoder(batch.schema_ref()).unwrap_or_else(|error| panic!("{format}: {error}"));
            // Fields can share bytes, and the last field with a byte then determines its value. Hence the encoded items
            // are encoded again.
            let first = encoder.encode(&batch).unwrap_or_else(|error| panic!("{format}: {error}"));
            assert_eq!(first.len(), items.len(), "{format}");
            let plan = Plan::new(&layout).unwrap();
            let overlaps = layout.item().size() > 0 && {
                let bytes: usize =
                    plan.leaves().iter().map(|leaf| leaf.size() * leaf.shape().iter().product::<usize>()).sum();
                bytes > plan.itemsize()
            };
            if overlaps {
                return Ok(());
            }
            let again = mapping.batch_of_rows(&first, batch.num_rows()).unwrap();
            assert_eq!(again, batch, "{format}");
            compared.set(compared.get() + batch.num_columns());
            Ok(())
        },
    );
}

#[test]
fn columns_of_other_types_are_converted_without_loss() {
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![1, -2]));
    assert_eq!(encode("T{>h:a:}", &batch([("a", integers.clone())])).unwrap(), [0, 1, 0xff, 0xfe]);
    let text: ArrayRef = Arc::new(StringArray::from(vec!["ab", "\u{e9}"]));
    let large: ArrayRef = Arc::new(LargeStringArray::from(vec!["ab", ""]));
    let items = encode("T{3s:a:3p:b:>2u:c:}", &batch([("a", text.clone()), ("b", text.clone()), ("c", large)]));
    assert_eq!(items.unwrap(), *b"ab\0\x02ab\0a\0b\xc3\xa9\0\x02\xc3\xa9\0\0\0\0");
    let binary: ArrayRef = Arc::new(BinaryArray::from(vec![&b"x"[..], b"yz"]));
    assert_eq!(encode("T{3s:a:}", &batch([("a", binary)])).unwrap(), *b"x\0\0yz\0");
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(9)]);
    lists.append_value([Some(1), Some(2)]);
    lists.append_value([Some(3), Some(4)]);
    let lists: ArrayRef = Arc::new(lists.finish().slice(1, 2));
    assert_eq!(encode("T{(2)B:a:}", &batch([("a", lists)])).unwrap(), [1, 2, 3, 4]);
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let long_double = encode("T{^g:a:}", &batch([("a", doubles)])).unwrap();
    assert_eq!(long_double[..10], [0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f]);
    let user: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.5]));
    let int24: ArrayRef = Arc::new(Int8Array::from(vec![-1, 2]));
    let items = encode("T{<[bfloat16]:a:<[int24]:b:}", &batch([("b", int24), ("a", user)])).unwrap();
    assert_eq!(items, [0x80, 0x3f, 0xff, 0xff, 0xff, 0x20, 0x40, 2, 0, 0]);
}

#[test]
fn fields_that_share_the_bytes_of_a_bit_field_keep_their_bits() {
    let c = "struct flags { unsigned a : 3; unsigned b : 5; int c : 4; };";
    let layout = Layout::from_c(c, None, &DataModel::LP64).unwrap();
    let mapping = Mapping::new(&layout).unwrap();
    let column = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let rows = |a, b, c| batch([("a", column(a)), ("b", column(b)), ("c", column(c))]);
    let encoder = mapping.encoder(rows(0, 0, 0).schema_ref()).unwrap();
    assert_eq!(encoder.encode(&rows(5, 17, -1)).unwrap(), [5 | 17 << 3, 15, 0, 0]);
    let error = encoder.encode(&rows(5, 32, -1)).unwrap_err();
    assert_eq!(error.to_string(), "item 0: field `b`: 32 is not in the range 0 to 31 of uint32");
    // Other bits stay.
    let mut items = [0xff; 4];
    encoder.write(&rows(0, 0, 0), &mut items).unwrap();
    assert_eq!(items, [0, 0xf0, 0xff, 0xff]);
}

#[test]
fn the_first_row_with_a_wrong_value_is_named() {
    let a: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 300]));
    let b: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let rows = batch([("a", a), ("b", b)]);
    assert_eq!(message("T{B:a:B:b:}", &rows), "item 1: field `b`: the value is null");
    assert_eq!(
        message("T{B:a:B:b:}", &rows.slice(2, 1)),
        "item 0: field `a`: 300 is not in the range 0 to 255 of uint8"
    );
    let mut lists = FixedSizeListBuilder::new(Int32Builder::new(), 2);
    for value in [1, 2, 3, 4, 5, -6, 7, 8] {
        lists.values().append_value(value);
        if value % 2 == 0 {
            lists.append(true);
        }
    }
    let column: ArrayRef = Arc::new(lists.finish());
    let inner = StructArray::try_from(vec![("x", column)]).unwrap();
    let structs = arrow_array::FixedSizeListArray::new(
        Arc::new(Field::new("item", inner.data_type().clone(), false)),
        2,
        Arc::new(inner),
        None,
    );
    let rows = batch([("r", Arc::new(structs))]);
    assert_eq!(encode("T{(2)T{(2)b:x:}:r:}", &rows).unwrap(), [1, 2, 3, 4, 5, 250, 7, 8]);
    assert_eq!(
        message("T{(2)T{(2)B:x:}:r:}", &rows),
        "item 1: field `r[0].x[1]`: -6 is not in the range 0 to 255 of uint8"
    );
    let long: ArrayRef = Arc::new(StringArray::from(vec!["ab", "abcd"]));
    assert_eq!(
        message("T{3s:a:}", &batch([("a", long.clone())])),
        "item 1: field `a`: value has 4 bytes but the field holds 3"
    );
    assert_eq!(
        message("T{<2u:a:}", &batch([("a", long)])),
        "item 1: field `a`: value has 4 units but the field holds 2"
    );
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), Some(2)]);
    lists.append_value([Some(1)]);
    let rows = batch([("a", Arc::new(lists.finish()))]);
    assert_eq!(message("T{(2)B:a:}", &rows), "item 1: field `a`: 1 value for 2 elements");
}

#[test]
fn an_error_leaves_the_items_unchanged() {
    let a: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let b: ArrayRef = Arc::new(Int64Array::from(vec![1, 256]));
    let rows = batch([("a", a), ("b", b)]);
    let mapping = mapping("T{B:a:B:b:}");
    let encoder = mapping.encoder(rows.schema_ref()).unwrap();
    let mut items = [7; 4];
    assert!(encoder.write(&rows, &mut items).is_err());
    assert_eq!(items, [7; 4]);
    let error = encoder.write(&rows, &mut items[1..]).unwrap_err();
    assert_eq!(error.to_string(), "the destination holds 3 bytes but 4 are needed");
    let other = batch([("a", Arc::new(StringArray::from(vec!["x"]))), ("b", Arc::new(UInt8Array::from(vec![1])))]);
    let error = encoder.write(&other, &mut items[..2]).unwrap_err();
    assert_eq!(error.to_string(), "the column of field `a` does not have the type in the schema of the encoder");
}

#[test]
fn columns_are_found_by_name() {
    let column = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let pair = batch([("b", column(2)), ("a", column(1))]);
    assert_eq!(encode("T{B:a:B:b:}", &pair).unwrap(), [1, 2]);
    assert_eq!(message("T{B:a:B:b:B:c:}", &pair), "column `c` is missing");
    let known = |name: &str, has_column| KnownField { name: name.into(), has_column };
    let error = encode("T{B:b:B:c:}", &pair).unwrap_err();
    let fields = vec![known("b", true), known("c", false)];
    assert_eq!(error, BatchError::UnknownColumn { record: String::new(), column: "a".into(), fields });
    assert_eq!(error.to_string(), "no field is named `a`");
    let twice = batch([("a", column(1)), ("a", column(2))]);
    assert_eq!(encode("T{B:a:B:a:}", &twice).unwrap(), [1, 2]);
    assert_eq!(message("T{B:a:}", &twice), "the input has 2 columns but the format has 1 field");
    let thrice = batch([("b", column(0)), ("a", column(1)), ("a", column(2))]);
    assert_eq!(
        message("T{B:a:B:a:B:b:}", &thrice),
        "several fields are named `a`: write the columns in the order of the fields"
    );
    // Only the mapped fields are written.
    let layout = layout("T{B:a:T{B:x:B:y:}:r:}");
    let mapping = Mapping::with_columns(&layout, &["r.y"]).unwrap();
    let rows = batch([("r.y", column(5))]);
    assert_eq!(mapping.encoder(rows.schema_ref()).unwrap().encode(&rows).unwrap(), [0, 0, 5]);
    assert_eq!(message("T{<i:b:<d:a:}", &pair), "field `a`: the column is Int64 but the field is float64");
    assert_eq!(message("T{(2)B:b:B:a:}", &pair), "field `b`: the column is Int64 but the field is an array");
    assert_eq!(message("T{T{B:x:}:b:B:a:}", &pair), "field `b`: the column is Int64 but the field is a record");
}

#[test]
fn dates_and_durations_have_the_types_of_arrow() {
    let names = |format: &str| {
        let mapping = mapping(format);
        let fields = mapping.schema().fields().clone();
        fields.iter().map(|field| (field.data_type().clone(), field.is_nullable())).collect::<Vec<_>>()
    };
    let units = [
        ("s", TimeUnit::Second),
        ("ms", TimeUnit::Millisecond),
        ("us", TimeUnit::Microsecond),
        ("ns", TimeUnit::Nanosecond),
    ];
    for (name, unit) in units {
        let expected = [(DataType::Timestamp(unit, None), true), (DataType::Duration(unit), true)];
        assert_eq!(names(&format!("T{{[datetime64${name}]:a:[timedelta64${name}]:b:}}")), expected, "{name}");
    }
    assert_eq!(names("[datetime64$D]"), [(DataType::Date32, true)]);
    for other in ["datetime64$Y", "datetime64$h", "datetime64$ps", "datetime64", "timedelta64$D", "timedelta64"] {
        assert_eq!(names(&format!("[{other}]")), [(DataType::Int64, false)], "{other}");
    }
    for float in ["bfloat16", "float8_e4m3", "float8_e5m2"] {
        assert_eq!(names(&format!("[{float}]")), [(DataType::Float32, false)], "{float}");
    }
}

#[test]
fn not_a_time_is_null_in_both_directions() {
    let format = "T{>[datetime64$ns]:a:<[timedelta64$ms]:b:(2)<[datetime64$D]:c:}";
    let nat = i64::MIN;
    let item = |a: i64, b: i64, c: [i64; 2]| {
        [a.to_be_bytes(), b.to_le_bytes(), c[0].to_le_bytes(), c[1].to_le_bytes()].concat()
    };
    let items = [item(1, nat, [-1, nat]), item(nat, 2, [3, 4])].concat();
    let mapping = mapping(format);
    let rows = mapping.batch_of_bytes(items.clone().into()).unwrap();
    let expected = TimestampNanosecondArray::from(vec![Some(1), None]);
    assert_eq!(rows["a"].as_primitive::<TimestampNanosecondType>(), &expected);
    let b = rows["b"].as_primitive::<DurationMillisecondType>();
    assert_eq!(b.iter().collect::<Vec<_>>(), [None, Some(2)]);
    let days = rows["c"].as_fixed_size_list();
    let expected = Date32Array::from(vec![Some(-1), None, Some(3), Some(4)]);
    assert_eq!(days.values().as_primitive::<Date32Type>(), &expected);
    assert_eq!(encode(format, &rows).unwrap(), items);
    assert!(!mapping.verdicts()[1].zero_copy);
    let far = i64::from(i32::MAX) + 1;
    let error = mapping.batch_of_bytes(item(0, 0, [5, far]).into()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "field `c`: value 1 is 2147483648 days after 1970-01-01 but Arrow counts days with 32 bits"
    );
    // A column with another unit would have other values.
    let seconds: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1]));
    assert_eq!(
        message("T{[datetime64$ns]:a:}", &batch([("a", seconds)])),
        "field `a`: the column is Timestamp(s) but the field is int64"
    );
}

/// Returns `array` as the structs of the C data interface, which share the memory of `array`.
fn exported(array: &dyn Array) -> (ArrowArray, ArrowSchema) {
    let (mut array, mut schema) = ffi::to_ffi(&array.to_data()).unwrap();
    // SAFETY: (a) the struct is valid and belongs to this function.
    let array = unsafe { ArrowArray::from_raw((&raw mut array).cast()) };
    // SAFETY: (a) the struct is valid and belongs to this function.
    (array, unsafe { ArrowSchema::from_raw((&raw mut schema).cast()) })
}

#[test]
fn batches_cross_the_c_data_interface_in_both_directions() {
    let format = "T{<h:id:T{>d:x:(2)<u:t:}:in:[datetime64$s]:at:}";
    let items: Vec<u8> = (0..22).chain([1, 0, 0, 0, 0, 0, 0x45, 0x40, 0, 0, 0, 0, 0x41, 0, 0x42, 0]).take(22).collect();
    let mapping = mapping(format);
    let items = [items.clone(), items].concat();
    let mut array = mapping.c_array_of_bytes(&items).unwrap();
    let mut schema = mapping.c_schema().unwrap();
    // SAFETY: the struct is valid and is moved once.
    let array = unsafe { ffi::FFI_ArrowArray::from_raw(array.as_mut_ptr().cast()) };
    // SAFETY: the struct is valid and is moved once.
    let schema = unsafe { ffi::FFI_ArrowSchema::from_raw(schema.as_mut_ptr().cast()) };
    // SAFETY: both structs are as the C data interface requires.
    let rows = StructArray::from(unsafe { ffi::from_ffi(array, &schema) }.unwrap());
    assert_eq!(
        RecordBatch::from(rows.clone()).columns(),
        mapping.batch_of_bytes(items.clone().into()).unwrap().columns()
    );
    let (array, schema) = exported(&rows);
    // SAFETY: (a), (b) the structs are valid.
    assert_eq!(unsafe { mapping.encode_c(array, &schema) }.unwrap(), items);
}

#[test]
fn structs_that_are_no_batch_are_refused() {
    let mapping = mapping("T{<i:a:}");
    let refused = |array: ArrowArray, schema: &ArrowSchema| {
        // SAFETY: (a), (b) the structs are valid.
        unsafe { mapping.encode_c(array, schema) }.unwrap_err().to_string()
    };
    let column: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let fields = vec![Field::new("a", DataType::Int32, true)];
    let nulls = NullBuffer::from(vec![true, false]);
    let (array, schema) = exported(&StructArray::new(fields.into(), vec![column.clone()], Some(nulls)));
    assert_eq!(refused(array, &schema), "item 1: field `value`: the value is null");
    let (mut array, schema) = exported(&column);
    // SAFETY: (a) the struct is valid.
    let moved = unsafe { ArrowArray::from_raw(array.as_mut_ptr()) };
    assert_eq!(refused(array, &schema), "Arrow refuses the data: the array is released");
    assert_eq!(refused(moved, &schema), "Arrow refuses the data: the array is not an array of structs");
}

/// The integers that Arrow has and a field does not have are refused, and all others are written.
#[test]
fn integers_of_every_size_are_checked() {
    let values = [i128::from(i64::MIN), -32769, -129, -128, -1, 0, 127, 128, 255, 256, 65536, i128::from(u64::MAX)];
    let codes = [
        ("b", i128::from(i8::MIN), i128::from(i8::MAX), 1),
        ("B", 0, u8::MAX.into(), 1),
        ("<h", i16::MIN.into(), i16::MAX.into(), 2),
        ("<I", 0, u32::MAX.into(), 4),
        ("<q", i64::MIN.into(), i64::MAX.into(), 8),
        ("<Q", 0, u64::MAX.into(), 8),
        ("P", 0, u64::MAX.into(), 8),
    ];
    for value in values {
        let column: ArrayRef = match (i16::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => Arc::new(Int16Array::from(vec![value])),
            (_, Ok(value)) => Arc::new(Int64Array::from(vec![value])),
            _ => Arc::new(UInt64Array::from(vec![u64::try_from(value).unwrap()])),
        };
        for (code, low, high, size) in codes {
            let rows = batch([("value", column.clone())]);
            match encode(code, &rows) {
                Ok(items) => {
                    assert!((low..=high).contains(&value), "{value} {code}");
                    assert_eq!(items, value.to_le_bytes()[..size], "{value} {code}");
                }
                Err(BatchError::Value { item: 0, .. }) => assert!(!(low..=high).contains(&value), "{value} {code}"),
                Err(error) => panic!("{value} {code}: {error}"),
            }
        }
    }
    let bytes = mapping("T{<q:a:}").batch_of_bytes(vec![0xff_u8; 8].into()).unwrap();
    assert_eq!(bytes["a"].as_primitive::<Int64Type>().values(), &[-1]);
    // The bytes of a user type are not the bytes of its values.
    assert!(!mapping("[bfloat16]").verdicts()[0].zero_copy);
    let narrow = mapping("[bfloat16]").batch_of_bytes(vec![0x80_u8, 0x3f].into()).unwrap();
    assert_eq!(narrow["value"].as_primitive::<Float32Type>().values(), &[1.0]);
}

/// The functions of the Arrow libraries call themselves for each level of a type.
#[test]
fn deeply_nested_arrays_are_refused() {
    let nested = |records: usize, ones: usize| {
        let shape = format!("({})", vec!["1"; ones].join(","));
        let format = format!("{}{shape}B:a:{}", format!("{shape}T{{").repeat(records), "}:a:".repeat(records));
        Mapping::new(&layout(&format!("T{{{format}}}")))
    };
    // Three records and four lists around each of four fields.
    let mapping = nested(3, 4).unwrap();
    let rows = mapping.batch_of_bytes(vec![7_u8; 2].into()).unwrap();
    assert_eq!(mapping.encoder(rows.schema_ref()).unwrap().encode(&rows).unwrap(), [7, 7]);
    assert!(mapping.c_schema().is_ok());
    assert_eq!(
        nested(30, 30).unwrap_err().to_string(),
        "field `a.a.a` is in 93 lists and structs but Arrow libraries accept at most 64"
    );
}
