//! Tests of writing to buffers, and of the items and values that reading and writing refuse.

use super::*;

#[test]
fn items_are_written_through_strides() {
    let plan = plan(">h");
    // The view selects two columns in descending order and every second row.
    let view = view(&[2, 2], &[8, -2], 2, 16, 2);
    let mut bytes = [0x55; 16];
    let mut buffer = BufferMut::new(&view, &plan, &mut bytes).unwrap();
    buffer.copy_from_slice(&[1_i16, 2, 3, -4]).unwrap();
    buffer.write_value_at(&[0, 1], &Value::Int(9)).unwrap();
    let error = buffer.write_value_at(&[0, 2], &Value::Int(9)).unwrap_err();
    assert_eq!(error.to_string(), "index 2 is out of bounds for dimension 1 with 2 items");
    let error = buffer.copy_from_slice(&[1_i16; 5]).unwrap_err();
    assert_eq!(error.to_string(), "5 values for 4 elements");
    let error = buffer.copy_from_slice(&[1_u16; 4]).unwrap_err();
    assert_eq!(error.to_string(), "value is uint16 but the field is int16");
    drop(buffer);
    let written = [0, 9, 0, 1, 0x55, 0x55, 0x55, 0x55, 0xff, 0xfc, 0, 3, 0x55, 0x55, 0x55, 0x55];
    assert_eq!(bytes, written);
    // The same view, with a pointer to the memory instead of a slice. The test writes dynamic values instead of
    // elements.
    let mut foreign = [0x55_u8; 16];
    // SAFETY: (a) The view was validated for a block of 16 bytes, and `buf` is byte 2 of `foreign`. (d) No reference to
    // `foreign` is used until the buffer is dropped.
    let mut buffer = unsafe { BufferMut::from_ptr(&view, &plan, foreign.as_mut_ptr().wrapping_add(2)) }.unwrap();
    let values = [1, 9, 3, -4].map(Value::Int);
    buffer.write_values(&values).unwrap();
    // If one value does not fit, the library writes no value.
    let error = buffer.write_values(&[Value::Int(5), Value::Int(5), Value::Int(5), Value::UInt(40_000)]).unwrap_err();
    assert_eq!(error.to_string(), "[3]: 40000 is not in the range -32768 to 32767 of int16");
    drop(buffer);
    assert_eq!(foreign, written);

    let raw = RawView { len: 1, itemsize: 1, readonly: 1, ndim: 1, shape: Some(&[1]), ..RawView::default() };
    let view = View::try_from(raw).unwrap();
    let plan = Plan::for_view(&view, &DataModel::LP64).unwrap();
    let error = BufferMut::new(&view, &plan, &mut [0]).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::ReadOnly);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let text = |text: &str| Value::Text(text.to_owned());
    let record = |value| Value::Record(RecordValue::new([(Some("a"), value)]));
    let pair = ArrayValue::new(&[2], vec![Value::Int(1), Value::Int(2)]).unwrap();
    let cases = [
        ("B", Value::Int(-1), "-1 is not in the range 0 to 255 of uint8"),
        (
            "<q",
            Value::UInt(u64::MAX),
            "18446744073709551615 is not in the range -9223372036854775808 to 9223372036854775807 of int64",
        ),
        ("<f", Value::Float64(0.5), "value is float64 but the field is float32"),
        ("<i", text("1"), "value is text but the field is int32"),
        ("4s", Value::Bytes(b"12345".to_vec()), "value has 5 bytes but the field holds 4"),
        ("4p", Value::Bytes(b"1234".to_vec()), "value has 4 bytes but the field holds 3"),
        ("<2w", text("abc"), "value has 3 units but the field holds 2"),
        ("<u", text("\u{1f40d}"), "value has 2 units but the field holds 1"),
        ("<u", Value::IllFormedText(vec![0x1_0000]), "65536 is not in the range 0 to 65535 of ucs2"),
        ("T{<i:a:<i:b:}", record(Value::Int(1)), "1 value for 2 fields"),
        ("T{<i:a:}", Value::Int(1), "value is integer but the field is a record"),
        ("T{(2)B:a:}", record(Value::Int(1)), "a: value is integer but the field is an array"),
        ("T{(3)B:a:}", record(Value::Array(pair.clone())), "a: 2 values for 3 elements"),
        ("T{(2,1)B:a:}", record(Value::Array(pair)), "a: value is an array but the field is an array of another shape"),
        ("T{T{B:a:}:a:}", record(record(Value::Int(256))), "a.a: 256 is not in the range 0 to 255 of uint8"),
        (
            "g",
            Value::LongDouble(LongDouble::from_f64(1.0, LongDoubleFormat::Binary128)),
            "long double is binary128 but the field is x87 extended",
        ),
        ("&<i", Value::UInt(1), "value is integer but the field is pointer"),
    ];
    for (format, value, message) in cases {
        let plan = plan(format);
        let mut item = vec![0x5a; plan.itemsize()];
        let error = plan.encode(&value, &mut item).unwrap_err();
        assert_eq!(error.to_string(), message, "{format}");
        assert!(item.iter().all(|byte| *byte == 0x5a), "{format} was written in part");
    }
    let error = plan("<i").encode(&Value::Int(1), &mut [0; 3]).unwrap_err();
    assert_eq!(error.to_string(), "the destination holds 3 bytes but 4 are needed");
    assert_eq!(ArrayValue::new(&[2], vec![Value::Int(1)]), None);
}

#[test]
fn unreadable_items_are_refused() {
    let message = |error: DecodeError| error.to_string();
    let plan = plan("T{<i:a:<d:b:}");
    assert_eq!(message(plan.value(&[0; 3]).unwrap_err()), "3 bytes given but an item has 12 bytes");
    assert_eq!(
        message(plan.columns(&[0; 13], None).unwrap_err()),
        "13 bytes are not a multiple of the 12-byte item size"
    );
    assert_eq!(message(plan.columns(&[0; 12], ["c"]).unwrap_err()), "no field is named `c`");
    let (mut short, mut wrong) = ([0_i32; 1], [0.0_f32; 2]);
    let into = |destinations| message(plan.columns_into(&[0; 24], ["a"], destinations).unwrap_err());
    assert_eq!(into(vec![short.as_mut_slice().into()]), "the destination holds 1 element but 2 are needed");
    assert_eq!(into(vec![wrong.as_mut_slice().into()]), "items are int32 but float32 was requested");
    assert_eq!(into(vec![]), "0 destinations for 1 column");

    let numbers = view(&[3], &[4], 4, 12, 0);
    let small = view(&[3], &[-4], 4, 12, 8);
    let ints = self::plan("<i");
    assert_eq!(
        message(Buffer::new(&numbers, &plan, &[0; 12]).unwrap_err()),
        "items of the view have 4 bytes but the plan is for 12 bytes"
    );
    assert_eq!(
        message(Buffer::new(&numbers, &ints, &[0; 11]).unwrap_err()),
        "the items are at bytes 0 to 12 but the memory has 11 bytes"
    );
    assert_eq!(
        message(Buffer::new(&small, &ints, &[0; 8]).unwrap_err()),
        "the items are at bytes 0 to 12 but the memory has 8 bytes"
    );
    let buffer = Buffer::new(&numbers, &ints, &[0; 12]).unwrap();
    assert_eq!(message(buffer.to_vec::<f64>(Order::C).unwrap_err()), "items are int32 but float64 was requested");
    assert_eq!(message(buffer.to_vec_as::<f32>(Order::C).unwrap_err()), "items are int32 but float32 was requested");
    assert_eq!(
        message(buffer.copy_to_slice(&mut [0_i32; 4], Order::C).unwrap_err()),
        "the destination holds 4 elements but 3 are needed"
    );
    let records = view(&[1], &[12], 12, 12, 0);
    let buffer = Buffer::new(&records, &plan, &[0; 12]).unwrap();
    assert_eq!(
        message(buffer.to_vec::<f64>(Order::C).unwrap_err()),
        "items are records of 2 fields: request records or columns instead of float64"
    );
}

/// Returns the format of a record with the long name `x…` and 60,000 fields without names. The dotted name of each
/// field has 60 KB.
fn long_names() -> String {
    format!("T{{T{{{}}}:{}:}}", "b".repeat(60_000), "x".repeat(60_000))
}

/// The leaves of a record share the name of the record, so a plan needs little memory. A call that needs one dotted
/// name creates only this name.
#[test]
fn a_record_with_a_long_name_and_many_fields_has_a_plan() {
    let plan = Plan::new(&layout(&long_names())).unwrap();
    let records = vec![7; 60_000];
    assert!(matches!(plan.value(&records).unwrap(), Value::Record(_)));
    let name = plan.leaves()[59_999].name().into_owned();
    assert!(name.ends_with(b"x.f59999"));
    assert_eq!(plan.columns(&records, [&name]).unwrap()[0].data, ColumnData::Int8(vec![7]));
}

/// The result of `columns` contains the dotted names of all fields.
#[test]
fn the_dotted_names_of_all_fields_have_a_limit() {
    let plan = Plan::new(&layout(&long_names())).unwrap();
    let error = plan.columns(&vec![0; 60_000], None).unwrap_err();
    assert!(matches!(error, DecodeError::FieldNames { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "names and shapes of the fields need 3600408890 bytes but at most 31057600 are supported"
    );
    let names = vec![&b"x"[..]; 5];
    assert!(matches!(plan.columns(&[], &names).unwrap_err(), DecodeError::FieldNames { .. }));
}

/// The shape of a leaf contains the dimensions of all enclosing arrays. Fields that are not arrays share the shape of
/// their record. Each array has a shape of its own, and all shapes together need more memory than the limit.
#[test]
fn shapes_of_leaves_have_a_limit() {
    let dimensions = format!("({}1)T{{", "1,".repeat(63));
    let nested = |field: &str| format!("{}{}{}", dimensions.repeat(40), field.repeat(10_000), "}".repeat(40));
    assert_eq!(Plan::new(&layout(&nested("b"))).unwrap().leaves().len(), 10_000);
    let error = Plan::new(&layout(&nested("(1)b"))).unwrap_err();
    assert!(matches!(error, DecodeError::FieldNames { .. }), "{error}");
}

#[test]
fn names_and_shapes_of_usual_lengths_are_accepted() {
    let fields = format!("T{{{}}}", "b:a_name_of_usual_length:".repeat(5_000));
    assert_eq!(Plan::new(&layout(&fields)).unwrap().leaves().len(), 5_000);
}

/// Formats and shapes of huge sizes give an error, no values or single values, and allocate nothing.
#[test]
fn huge_layouts_allocate_nothing() {
    for format in ["(4294967296)0s", "(65536,65536)T{}", "(100000)T{(100000)0s:a:}:b:"] {
        let Ok(layout) = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64) else { continue };
        let error = Plan::new(&layout).unwrap_err();
        assert!(matches!(error, DecodeError::ZeroSized { .. }), "{format}: {error}");
    }
    assert_eq!(
        Plan::new(&layout("(4294967296)0s")).unwrap_err().to_string(),
        "4294967296 values of 0 bytes are more than 65536"
    );
    // The layout has exabytes, but the memory has ten bytes. On a 32-bit machine `Plan::new` refuses the layout.
    match Plan::new(&layout("(1152921504606846975)q")) {
        Ok(plan) => {
            assert_eq!(usize::BITS, 64);
            assert_eq!(
                plan.value(&[0; 10]).unwrap_err().to_string(),
                "10 bytes given but an item has 9223372036854775800 bytes"
            );
            assert!(plan.columns(&[0; 10], None).is_err());
        }
        Err(error) => {
            assert_ne!(usize::BITS, 64);
            assert_eq!(error.to_string(), "there is no memory for 9223372036854775800 bytes");
        }
    }
    // With a stride of 0, all items of the view are in the same four bytes, so `len` can be 2^60 bytes. A `len` of this
    // size needs a data model with 64-bit sizes.
    let checker = Checker { model: &DataModel::LP64, ..Checker::DEFAULT };
    let item = self::plan("<i");
    let (shape, strides) = ([1 << 58], [0]);
    let raw = RawView {
        len: 1 << 60,
        itemsize: 4,
        ndim: 1,
        shape: Some(&shape),
        strides: Some(&strides),
        ..RawView::default()
    };
    let view = checker.prove(&raw, None).unwrap();
    let buffer = Buffer::new(&view, &item, &[1, 0, 0, 0]).unwrap();
    assert_eq!(
        buffer.to_vec::<i32>(Order::C).unwrap_err().to_string(),
        "there is no memory for 1152921504606846976 bytes"
    );
    assert!(buffer.columns(None).is_err());
    assert_eq!(buffer.value_at(&[(1 << 58) - 1]).unwrap(), Value::Int(1));
    assert_eq!(buffer.values().nth(1000).unwrap().unwrap(), Value::Int(1));
    // The number of items of 0 bytes is the largest possible number.
    let nothing = self::plan("0s");
    let (shape, strides) = ([isize::MAX as i64], [0]);
    let raw = RawView { ndim: 1, shape: Some(&shape), strides: Some(&strides), ..RawView::default() };
    let view = checker.prove(&raw, None).unwrap();
    let buffer = Buffer::new(&view, &nothing, &[]).unwrap();
    assert!(buffer.to_vec::<u8>(Order::C).unwrap().is_empty());
    assert_eq!(buffer.columns(None).unwrap()[0].data.len(), 0);
}

/// The plan has one item of 2^62 bytes, so there is no memory for an item. The view has no items.
#[test]
fn an_iterator_without_memory_for_an_item_ends_after_one_error() -> Result<(), Box<dyn std::error::Error>> {
    let format = b"4611686018427387904x";
    let itemsize = 1_i64 << 62;
    let raw = RawView { itemsize, ndim: 1, format: Some(format), shape: Some(&[0]), ..RawView::default() };
    let view = raw.check(Request::FULL_RO, None, None).into_result()?;
    let plan = Plan::for_view(&view, &DataModel::HOST)?;
    let values: Vec<_> = Buffer::new(&view, &plan, &[])?.values().take(3).collect();
    assert!(matches!(values.as_slice(), [Err(DecodeError::Allocation { .. })]), "{values:?}");
    Ok(())
}
