//! Tests that compare values, columns and typed copies with the reference decoder and with snapshots. Also tests of
//! indirect arrays, of lossless conversions and of plans for views.
#![allow(unsafe_code, reason = "the tests read buffers through raw pointers")]

mod large;
mod long_double;
mod refusals;
mod split;
mod typed_columns;
mod widening;
mod write_columns;

use std::cell::Cell;

use half::f16;
use num_complex::Complex;
use pep3118::decode::{
    ArrayValue, Buffer, BufferMut, ColumnData, DecodeError, EncodeErrorKind, LongDouble, Plan, RecordValue, Value,
};
use pep3118::{Checker, DataModel, Dialect, Layout, LongDoubleFormat, Order, RawView, Request, Slice, View};

use crate::properties::strided::{agree, columns_agree, decode_strided, items_one_by_one, view};
use crate::property_search::search_until;
use crate::reference_decoder::element;
use crate::snapshot;

/// Returns the layout of `format` in the dialect PEP 3118 on lp64.
fn layout(format: &str) -> Layout {
    Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap()
}

/// Returns the plan for items of `format` in the dialect PEP 3118 on lp64.
fn plan(format: &str) -> Plan {
    Plan::new(&layout(format)).unwrap()
}

/// Layouts, shapes, strides and bytes are random.
#[test]
fn values_are_those_of_the_reference_decoder() {
    let checked = Cell::new(0_u32);
    search_until(
        8_000,
        || checked.get() > 100,
        |bytes| {
            checked.set(checked.get() + u32::from(decode_strided(bytes)?));
            Ok(())
        },
    );
}

/// The copies are in C order and in Fortran order.
#[test]
fn typed_copies_are_those_of_the_reference_decoder() {
    /// Copies arrays of the format character `code` to vectors of `T`, in both byte orders. Asserts that the elements
    /// equal the elements that the reference decoder returns. `describe` returns the text of an element in the notation
    /// of the reference decoder.
    fn copies<T: pep3118::decode::Element + PartialEq + std::fmt::Debug>(code: &str, describe: impl Fn(&T) -> String) {
        for order in ["<", ">"] {
            let format = format!("{order}{code}");
            let (layout, plan) = (layout(&format), plan(&format));
            let itemsize = plan.itemsize();
            let memory: Vec<u8> = (0..4096_usize).map(|at| (at * 37 + at / 251) as u8).collect();
            let size = itemsize as i64;
            for (shape, strides) in [
                (vec![], vec![]),
                (vec![7], vec![size]),
                (vec![5], vec![-size]),
                (vec![5], vec![2 * size + 1]),
                (vec![6], vec![0]),
                (vec![3, 4], vec![4 * size, size]),
                (vec![3, 4], vec![size, 3 * size]),
                (vec![3, 4], vec![-size, 3 * size]),
                (vec![2, 0, 3], vec![size, size, size]),
                (vec![2, 3, 4], vec![size, 8 * size, 2 * size]),
                (vec![1, 1], vec![999_999, -5]),
            ] {
                let view = view(&shape, &strides, size, 4096, 2048);
                let slow = |shape: &[i64], strides: &[i64]| -> Vec<String> {
                    let items = items_one_by_one(&memory, 2048, shape, strides, itemsize);
                    items.iter().map(|item| element(layout.item(), item)).collect()
                };
                let buffer = Buffer::new(&view, &plan, &memory).unwrap();
                let fast: Vec<String> = buffer.to_vec::<T>(Order::C).unwrap().iter().map(&describe).collect();
                assert_eq!(fast, slow(&shape, &strides), "{format} {shape:?} {strides:?}");
                let back = |values: &[i64]| values.iter().rev().copied().collect::<Vec<i64>>();
                let fast: Vec<String> = buffer.to_vec::<T>(Order::Fortran).unwrap().iter().map(&describe).collect();
                assert_eq!(fast, slow(&back(&shape), &back(&strides)), "{format} {shape:?} {strides:?}");
            }
        }
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    copies::<i16>("h", |value| format!("integer {}", hex(&i128::from(*value).to_le_bytes())));
    copies::<u32>("I", |value| format!("integer {}", hex(&i128::from(*value).to_le_bytes())));
    copies::<u8>("B", |value| format!("integer {}", hex(&i128::from(*value).to_le_bytes())));
    copies::<f64>("d", |value| format!("float64 {}", hex(&value.to_le_bytes())));
    copies::<f16>("e", |value| format!("float16 {}", hex(&value.to_le_bytes())));
    copies::<bool>("?", |value| format!("bool {value}"));
    copies::<Complex<f32>>("Zf", |value| {
        format!("complex64 {} {}", hex(&value.re.to_le_bytes()), hex(&value.im.to_le_bytes()))
    });
    copies::<Complex<f64>>("Zd", |value| {
        format!("complex128 {} {}", hex(&value.re.to_le_bytes()), hex(&value.im.to_le_bytes()))
    });
}

/// The arrays are so large that the library copies them in several tiles.
#[test]
fn a_transposed_array_is_copied_in_both_orders() {
    let (rows, columns) = (130_i64, 517_i64);
    for format in ["<I", ">I"] {
        let plan = plan(format);
        let memory: Vec<u8> = (0..(rows * columns) as u32)
            .flat_map(|value| if format == "<I" { value.to_le_bytes() } else { value.to_be_bytes() })
            .collect();
        let (shape, strides) = ([columns, rows], [4, columns * 4]);
        let view = view(&shape, &strides, 4, memory.len() as i64, 0);
        let buffer = Buffer::new(&view, &plan, &memory).unwrap();
        let expected: Vec<u32> =
            (0..columns).flat_map(|column| (0..rows).map(move |row| (row * columns + column) as u32)).collect();
        assert_eq!(buffer.to_vec::<u32>(Order::C).unwrap(), expected);
        assert_eq!(buffer.to_vec::<u32>(Order::Fortran).unwrap(), (0..(rows * columns) as u32).collect::<Vec<u32>>());
        let wide = buffer.to_vec_as::<f64>(Order::C).unwrap();
        assert_eq!(wide, expected.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>());
    }
}

/// The arrays have three dimensions. Only the second dimension, or the first and the second dimension, are indirect.
#[test]
fn indirect_arrays_are_read_along_their_pointers() {
    let (planes, rows, columns) = (3_usize, 4_usize, 5_usize);
    let number = |plane: usize, row: usize, column: usize| (plane * 100 + row * 10 + column) as u16;
    // Each pointer refers to a line of big-endian numbers, which start two bytes after the pointer's target.
    let lines: Vec<Vec<u8>> = (0..planes * rows)
        .map(|at| {
            let line = (0..columns).flat_map(|column| number(at / rows, at % rows, column).to_be_bytes());
            [0xee, 0xee].into_iter().chain(line).collect()
        })
        .collect();
    let to_lines: Vec<*const u8> = lines.iter().map(Vec::as_ptr).collect();
    let to_tables: Vec<*const u8> = (0..planes).map(|plane| to_lines[plane * rows..].as_ptr().cast()).collect();
    let pointer = size_of::<*const u8>() as i64;
    let shape = [3, 4, 5];
    let cases: [(&[i64], &[i64], *const u8); 2] = [
        // A table of pointers to lines.
        (&[4 * pointer, pointer, 2], &[-1, 2, -1], to_lines.as_ptr().cast()),
        // A table of pointers to tables of pointers to lines.
        (&[pointer, pointer, 2], &[0, 2, -1], to_tables.as_ptr().cast()),
    ];
    let expected: Vec<u16> = (0..planes * rows * columns)
        .map(|at| number(at / (rows * columns), at / columns % rows, at % columns))
        .collect();
    let plan = plan(">H");
    for (strides, suboffsets, buf) in cases {
        let raw = RawView {
            len: 120,
            itemsize: 2,
            ndim: 3,
            shape: Some(&shape),
            strides: Some(strides),
            suboffsets: Some(suboffsets),
            ..RawView::default()
        };
        let view = raw.check(Request::INDIRECT, None, None).into_result().unwrap();
        // SAFETY: (b) Every pointer refers to a table or a line that lives until the end of the test. (c) Nothing
        // writes to the tables and lines.
        let buffer = unsafe { Buffer::from_ptr(&view, &plan, buf) }.unwrap();
        assert_eq!(buffer.to_vec::<u16>(Order::C).unwrap(), expected);
        let fortran: Vec<u16> = (0..60).map(|at| number(at % 3, at / 3 % 4, at / 12)).collect();
        assert_eq!(buffer.to_vec::<u16>(Order::Fortran).unwrap(), fortran);
        assert_eq!(buffer.value_at(&[2, 3, 4]).unwrap(), Value::UInt(234));
        assert!(buffer.value_at(&[2, 4, 0]).is_err());
        assert_eq!(buffer.columns(None).unwrap()[0].data, ColumnData::UInt16(expected.clone()));
        let values: Vec<Value> = buffer.values().map(std::result::Result::unwrap).collect();
        assert_eq!(values, expected.iter().map(|value| Value::UInt((*value).into())).collect::<Vec<Value>>());
        // The slice selects every second row in descending order, without the first number of each row.
        let cut = [Slice::FULL, Slice { step: -2, ..Slice::FULL }, Slice::from(1..5)];
        let slice = view.slice(&cut).unwrap();
        // SAFETY: (b) Every item of a slice is an item of the view. (c) Nothing writes to the memory.
        let buffer = unsafe { Buffer::from_ptr(&slice, &plan, buf) }.unwrap();
        let sliced: Vec<u16> = (0..3)
            .flat_map(|plane| [3, 1].map(|row| (1..5).map(move |column| number(plane, row, column))))
            .flatten()
            .collect();
        assert_eq!(buffer.to_vec::<u16>(Order::C).unwrap(), sliced);
        // `Buffer::new` refuses a view with suboffsets, because its items are outside the given slice.
        assert_eq!(Buffer::new(&view, &plan, &[0; 120]).unwrap_err(), DecodeError::Indirect);
    }
    // The library refuses to follow a NULL pointer.
    let nowhere = [std::ptr::null::<u8>(); 2];
    let raw = RawView {
        len: 4,
        itemsize: 2,
        ndim: 1,
        shape: Some(&[2]),
        strides: Some(&[8]),
        suboffsets: Some(&[0]),
        ..RawView::default()
    };
    let view = raw.check(Request::INDIRECT, None, None).into_result().unwrap();
    // SAFETY: (b) All pointers are NULL, which the library detects. (c) Nothing writes to the table.
    let buffer = unsafe { Buffer::from_ptr(&view, &plan, nowhere.as_ptr().cast()) }.unwrap();
    assert_eq!(buffer.to_vec::<u16>(Order::C), Err(DecodeError::NullPointer { dimension: 0 }));
}

#[test]
fn only_lossless_conversions_are_allowed() {
    let halves: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_be_bytes).collect();
    let plan = plan(">e");
    let view = view(&[65_536], &[2], 2, 131_072, 0);
    let buffer = Buffer::new(&view, &plan, &halves).unwrap();
    for order in [Order::C, Order::Fortran] {
        let floats = buffer.to_vec_as::<f32>(order).unwrap();
        for (bits, float) in (0..=u16::MAX).zip(floats) {
            let half = f16::from_bits(bits);
            assert!(float == half.to_f32_const() || (float.is_nan() && half.is_nan()), "{bits:#x}");
        }
    }
    let doubles = buffer.to_vec_as::<f64>(Order::C).unwrap();
    assert_eq!(doubles[0x3c00], 1.0);
    assert_eq!(buffer.to_vec_as::<f16>(Order::C).unwrap()[0x3c00], f16::ONE);
    assert!(buffer.to_vec_as::<i64>(Order::C).is_err());
}

/// A view with an ambiguous format has no plan.
#[test]
fn a_plan_for_a_view_is_the_plan_of_its_format() {
    let checker = Checker { model: &DataModel::LP64, ..Checker::DEFAULT };
    let with = |format: &'static [u8], itemsize: i64| {
        let raw = RawView { len: itemsize, itemsize, ndim: 0, format: Some(format), ..RawView::default() };
        checker.prove(&raw, Some(Request::FULL_RO)).unwrap()
    };
    let plan = Plan::for_view(&with(b">d", 8), &DataModel::LP64).unwrap();
    assert_eq!(plan.value(&1.5_f64.to_be_bytes()).unwrap(), Value::Float64(1.5));
    let plan = Plan::for_view(&with(b"T{<b:a:3x<i:b:}", 8), &DataModel::LP64).unwrap();
    assert_eq!(
        plan.leaves().iter().map(|leaf| (leaf.name().into_owned(), leaf.offset())).collect::<Vec<_>>(),
        [(b"a".to_vec(), 0), (b"b".to_vec(), 4)]
    );
    let error = Plan::for_view(&with(b"T{T{d:f0:b:f1:}:x:xxxxxxxb:y:}", 24), &DataModel::LP64).unwrap_err();
    assert!(matches!(error, DecodeError::Ambiguous(_)), "{error}");
    let raw = RawView { len: 3, itemsize: 3, ndim: 0, ..RawView::default() };
    let view = raw.check(Request::STRIDES, None, None).into_result().unwrap();
    let plan = Plan::for_view(&view, &DataModel::LP64).unwrap();
    assert_eq!(plan.value(b"abc").unwrap(), Value::Void(b"abc".to_vec()));
}

/// The reference decoder and the library give the same values for every format of the corpus.
#[test]
fn formats_of_the_corpus_are_decoded() {
    let mut read = 0;
    for name in ["exports", "numpy_dtypes", "answers"] {
        let path = format!("{}/tests/corpus/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let Some(format) = line.get("format").and_then(serde_json::Value::as_str) else { continue };
            for (dialect, model) in [
                (&Dialect::PEP3118, DataModel::LP64),
                (&Dialect::NUMPY, DataModel::I386),
                (&Dialect::CTYPES, DataModel::S390X),
            ] {
                let Ok(layout) = Layout::read(format.as_bytes(), dialect, &model) else { continue };
                if layout.size() > 4096 {
                    continue;
                }
                let plan = Plan::new(&layout).unwrap();
                let items: Vec<Vec<u8>> = (0_u8..3)
                    .map(|seed| {
                        (0..layout.size()).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed * 77)).collect()
                    })
                    .collect();
                items.iter().for_each(|item| agree(format, &layout, &plan, item));
                if layout.size() > 0 {
                    columns_agree(format, &layout, &plan.columns(&items.concat(), None).unwrap(), &items);
                }
                read += 1;
            }
        }
    }
    assert!(read > 1_000, "{read}");
}

/// Returns a text with the fields, the values and the columns of the items `records`, which have the format
/// `format`.
fn page(format: &str, records: &[u8]) -> String {
    let plan = plan(format);
    let mut page = String::from("offset  size  shape     type        name\n");
    for leaf in plan.leaves() {
        let (shape, name) = (format!("{:?}", leaf.shape()), leaf.name());
        page += &format!(
            "{:>6}  {:>4}  {shape:<8}  {:<10}  {}\n",
            leaf.offset(),
            leaf.size(),
            leaf.ty(),
            if name.is_empty() { "-".to_owned() } else { name.escape_ascii().to_string() }
        );
    }
    for (index, value) in plan.values(records).unwrap().enumerate() {
        page += &format!("\nitem {index}\n");
        show(&value.unwrap(), 1, &mut page);
    }
    page += "\ncolumns\n";
    for column in plan.columns(records, None).unwrap() {
        let name = if column.name.is_empty() { "-".to_owned() } else { column.name.escape_ascii().to_string() };
        page += &format!("  {name} {:?} {:?}\n", column.shape, column.data);
    }
    page
}

/// Appends a line with `value` to `page`, and lines with the values inside of `value`. The first line is indented by
/// `depth` levels.
fn show(value: &Value, depth: usize, page: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Record(record) => {
            for (name, value) in record.iter() {
                let name = name.map_or("-".to_owned(), |name| name.escape_ascii().to_string());
                if matches!(value, Value::Record(_)) {
                    *page += &format!("{indent}{name}\n");
                    show(value, depth + 1, page);
                } else {
                    *page += &format!("{indent}{name} = ");
                    show(value, 0, page);
                }
            }
        }
        Value::Array(array) if array.values().iter().any(|value| matches!(value, Value::Record(_))) => {
            *page += &format!("{:?}\n", array.shape());
            for value in array.values() {
                *page += &format!("{indent}  -\n");
                show(value, depth + 2, page);
            }
        }
        Value::Array(array) => *page += &format!("{indent}{:?} {:?}\n", array.shape(), array.values()),
        value => *page += &format!("{indent}{value:?}\n"),
    }
}

#[test]
fn values_and_columns_equal_the_snapshots() {
    let numbers: Vec<u8> = (1..=240).collect();
    let pages: &[(&str, &str, &[u8])] = &[
        ("packed", "T{<I:id:<h:kind:B:flag:<d:x:8s:tag:}", &numbers[..46]),
        ("big-endian", "T{>I:id:>h:kind:B:flag:>d:x:8s:tag:}", &numbers[..46]),
        ("nested", "T{<i:a:T{<d:x:(2)>H:y:}:p:3s:tag:}", &numbers[..38]),
        ("array-of-records", "T{B:n:(2)T{B:a:>H:b:}:points:}", &numbers[..14]),
        ("text", "T{<3u:u:<2w:w:4p:p:?:ok:}", b"h\0i\0\0\0\x0d\xf4\x01\0\0\0\0\0\x02ab.\x02"),
        ("ill-formed", "T{<2u:u:<w:w:9p:p:}", b"\x41\x00\x00\xd8\xff\xff\xff\x7f\xffabcdefgh"),
        ("complex-and-half", "T{>e:h:>Zf:c:^g:g:&<i:p:}", &{
            let mut item = vec![0x3e, 0, 0x3f, 0x80, 0, 0, 0xbf, 0x80, 0, 0];
            item.extend([0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde, 0, 0, 0, 0]);
            item
        }),
        ("one-number", ">d", &[0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18]),
    ];
    for (name, format, records) in pages {
        snapshot::check("decode", name, format, &page(format, records));
    }
}
