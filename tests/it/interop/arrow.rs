//! Tests of feature `arrow`: schemas, record batches, and the verdicts of whether an array shares the memory of items.

#[cfg(target_endian = "little")]
use std::cell::Cell;
use std::fmt::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int16Type, Int32Type, UInt8Type, UInt16Type, UInt64Type,
};
use arrow_array::{Array as _, RecordBatch};
use arrow_buffer::Buffer as Bytes;
use arrow_schema::DataType;
use half::f16;
use pep3118::arrow::{BatchError, Mapping};
use pep3118::decode::{Buffer, ColumnData, Plan};
use pep3118::{Block, DataModel, Dialect, Layout, LongDoubleFormat, RawView, Request, Type};

#[cfg(target_endian = "little")]
use crate::property_search::search_until;
use crate::snapshot;

/// Returns the layout of `format` in the dialect PEP 3118 on lp64.
fn layout(format: &str) -> Layout {
    Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap_or_else(|error| panic!("{error:#}"))
}

/// Returns the mapping of `format` to Arrow types, for the dialect PEP 3118 on lp64.
fn mapping(format: &str) -> Mapping {
    Mapping::new(&layout(format)).unwrap()
}

/// Returns an aligned block of memory that contains the bytes of all `parts` one after another.
fn bytes(parts: &[&[u8]]) -> Bytes {
    // The bytes are aligned for the largest numbers.
    let bytes = parts.concat();
    let mut words = vec![0_u64; bytes.len().div_ceil(8)];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
        let mut whole = [0; 8];
        whole[..chunk.len()].copy_from_slice(chunk);
        *word = u64::from_ne_bytes(whole);
    }
    Bytes::from_vec(words).slice_with_length(0, bytes.len())
}

/// Returns the Arrow type `data_type` as text on one line.
#[cfg(target_endian = "little")]
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::FixedSizeList(field, length) => format!("{}[{length}]", type_name(field.data_type())),
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| format!("{}: {}", field.name(), type_name(field.data_type())));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        DataType::FixedSizeBinary(len) => format!("FixedSizeBinary({len})"),
        other => format!("{other:?}"),
    }
}

/// Returns a text with the schema of `mapping` and the verdict of each field.
#[cfg(target_endian = "little")]
fn page(mapping: &Mapping) -> String {
    let schema = mapping.schema();
    let mut page = String::new();
    for key in ["pep3118.format", "pep3118.itemsize"] {
        if let Some(value) = schema.metadata().get(key) {
            writeln!(page, "{key:20} {value}").unwrap();
        }
    }
    writeln!(page).unwrap();
    for field in schema.fields() {
        assert!(!field.is_nullable());
        let metadata = field.metadata();
        let of = |key: &str| metadata.get(key).map_or("-", String::as_str);
        let (format, ty, order) = (of("pep3118.format"), of("pep3118.type"), of("pep3118.byte_order"));
        writeln!(page, "{:12} {format:10} {ty:12} {order:7} {}", field.name(), type_name(field.data_type())).unwrap();
    }
    writeln!(page).unwrap();
    for verdict in mapping.verdicts() {
        let copy = if verdict.zero_copy { "shared" } else { "copied" };
        writeln!(page, "{:12} {copy} {}", verdict.field, verdict.reason).unwrap();
    }
    page
}

/// Each snapshot shows the schema and the verdicts of one format.
#[cfg(target_endian = "little")]
#[test]
fn schemas_and_verdicts_are_those_of_the_snapshots() {
    for (name, format) in [
        ("one-number", "<d"),
        ("big-endian", ">i"),
        ("one-array", "(2,3)<h"),
        ("one-complex", "<Zf"),
        ("packed", "T{<I:id:<h:kind:?:flag:<d:value:8s:name:}"),
        ("nested", "T{<i:a:T{>d:x:(2)<H:y:}:p:(2)T{B:r:3s:s:}:q:}"),
        ("every-type", EVERY),
    ] {
        snapshot::check("interop", &format!("arrow-{name}"), format, &page(&mapping(format)));
    }
    let text = Mapping::with_utf8(&layout("T{3s:a:4p:b:3s:c:}"), &[b"a", b"b"]).unwrap();
    snapshot::check("interop", "arrow-utf8", "T{3s:a:4p:b:3s:c:} with a and b as text", &page(&text));
}

/// A format with a field of most types. [`every_type_has_a_column`] adds the other types.
const EVERY: &str = "T{?:bool:c:char:b:int8:B:uint8:<h:int16:<H:uint16:<i:int32:<I:uint32:<q:int64:<Q:uint64:<e:float16:\
    <f:float32:<d:float64:<Ze:complex32:<Zf:complex64:<Zd:complex128:3s:bytes:4p:pascal:<2u:ucs2:<2w:ucs4:2x9t:bits:\
    ^g:longdouble:^Zg:clongdouble:^P:pointer:^O:object:}";

/// For a record of zeros, the column of every type has no nulls.
#[test]
fn every_type_has_a_column() {
    let models = [
        DataModel::LP64,
        DataModel::LLP64,
        DataModel {
            long_double: pep3118::LongDoubleAbi {
                format: LongDoubleFormat::DoubleDouble,
                ..DataModel::LP64.long_double
            },
            ..DataModel::LP64
        },
    ];
    let mut seen = std::collections::BTreeSet::new();
    for model in models {
        for (dialect, format) in [
            (Dialect::PEP3118, EVERY),
            (Dialect::CTYPES, "T{<z:char_pointer:<Z:wchar_pointer:X{}:function:<P:pointer:u:wchar:}"),
            (Dialect::NUMPY, "T{3x:void:(2)T{<i:a:}:record:}"),
        ] {
            let layout = Layout::read(format.as_bytes(), &dialect, &model);
            let layout = layout.unwrap_or_else(|error| panic!("{error:#}"));
            let mapping = Mapping::new(&layout).unwrap();
            seen.extend(layout.leaves().map(|(_, field)| field.ty()));
            assert_eq!(mapping.verdicts().len(), layout.leaves().count());
            for items in [0, 1, 3] {
                let zeros = vec![0_u8; items * usize::try_from(layout.size()).unwrap()];
                let batch = mapping.batch_of_bytes(zeros.into()).unwrap();
                assert_eq!(batch.num_rows(), items, "{format} on {model}");
                assert!(batch.columns().iter().all(|column| column.null_count() == 0));
            }
        }
    }
    for (ty, size) in [(Type::Void, 5), (Type::Opaque, 3), (Type::Function, 8), (Type::Wchar, 8)] {
        let endian = pep3118::Endian::Big;
        let layout = Layout::of_scalar(pep3118::Scalar { ty, size, endian }, &DataModel::LP64);
        let zeros = vec![0_u8; usize::try_from(size).unwrap() * 2];
        assert_eq!(Mapping::new(&layout).unwrap().batch_of_bytes(zeros.into()).unwrap().num_rows(), 2);
        seen.insert(ty);
    }
    assert!(seen.len() >= 25, "{seen:?}");
}

#[test]
fn values_of_nested_records_are_converted() {
    let mapping = mapping("T{>h:a:T{<d:x:(2)>H:y:}:p:(2)T{B:r:3s:s:}:q:?:t:<e:h:<Zf:z:<3u:u:}");
    let item = |n: u8| -> Vec<u8> {
        [
            &[0, n][..],
            &f64::from(n).to_le_bytes(),
            &[0, n, 1, n],
            &[n, b'a', b'b', b'c', n + 1, b'd', 0, 0],
            &[n % 2],
            &f16::from_f32(f32::from(n) / 2.0).to_le_bytes(),
            &f32::from(n).to_le_bytes(),
            &(-1.0_f32).to_le_bytes(),
            &[b'h', 0, 0xe9, 0, 0, 0],
        ]
        .concat()
    };
    let batch = mapping.batch_of_bytes(bytes(&[&item(1), &item(2), &item(3)])).unwrap();
    assert_eq!(batch.schema(), *mapping.schema());
    assert_eq!(batch["a"].as_primitive::<Int16Type>().values(), &[1, 2, 3]);
    let p = batch["p"].as_struct();
    assert_eq!(p["x"].as_primitive::<Float64Type>().values(), &[1.0, 2.0, 3.0]);
    let y = p["y"].as_fixed_size_list();
    assert_eq!((y.len(), y.value_length()), (3, 2));
    assert_eq!(y.values().as_primitive::<UInt16Type>().values(), &[1, 257, 2, 258, 3, 259]);
    let q = batch["q"].as_fixed_size_list().value(1);
    assert_eq!(q.as_struct()["s"].as_fixed_size_binary().value(0), b"abc");
    assert_eq!(q.as_struct()["s"].as_fixed_size_binary().value(1), b"d\0\0");
    assert_eq!(batch["t"].as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(true)]);
    assert_eq!(batch["h"].as_primitive::<Float16Type>().value(2), f16::from_f32(1.5));
    let z = batch["z"].as_fixed_size_list().value(1);
    assert_eq!(z.as_primitive::<Float32Type>().values(), &[2.0, -1.0]);
    assert_eq!(batch["u"].as_string::<i32>().value(0), "h\u{e9}");
}

/// If the items are aligned and their bytes are equal to the bytes of the Arrow array, the array shares the memory of
/// the items. Otherwise the items are copied.
#[test]
fn memory_is_shared_if_a_verdict_allows_it() {
    let first = |batch: &RecordBatch| batch.column(0).to_data().buffers()[0].as_ptr();
    let numbers = bytes(&[&1_i32.to_ne_bytes(), &2_i32.to_ne_bytes(), &3_i32.to_ne_bytes()]);
    // `~` is replaced by the native byte-order character.
    let mapping = |format: &str| mapping(&format.replace('~', if cfg!(target_endian = "little") { "<" } else { ">" }));
    for format in ["~i", "T{~i:only:}", "T{T{~i:b:}:a:}"] {
        let mapping = mapping(format);
        assert!(mapping.verdicts()[0].zero_copy, "{format}");
        let batch = mapping.batch_of_bytes(numbers.clone()).unwrap();
        let mut data = batch.column(0).to_data();
        while let Some(child) = data.child_data().first().cloned() {
            data = child;
        }
        assert_eq!(data.buffers()[0].as_ptr(), numbers.as_ptr(), "{format}");
    }
    let pairs = mapping("(3)~i").batch_of_bytes(numbers.clone()).unwrap();
    assert_eq!(pairs.num_rows(), 1);
    assert_eq!(pairs["value"].as_fixed_size_list().values().to_data().buffers()[0].as_ptr(), numbers.as_ptr());
    // Numbers that start at byte 1 are not aligned.
    let long = bytes(&[&[0], &1_i32.to_ne_bytes(), &2_i32.to_ne_bytes()]);
    let batch = mapping("~i").batch_of_bytes(long.slice_with_length(1, 8)).unwrap();
    assert_ne!(first(&batch), long.as_ptr().wrapping_add(1));
    assert_eq!(batch["value"].as_primitive::<Int32Type>().values(), &[1, 2]);
    let swapped = if cfg!(target_endian = "little") { ">i" } else { "<i" };
    assert!(!mapping(swapped).verdicts()[0].zero_copy);
    assert!(!mapping("T{~i:a:~i:b:}").verdicts()[0].zero_copy);
    assert!(!mapping("?").verdicts()[0].zero_copy);
    // The arrays take over the vectors of the columns without a copy.
    let plan = Plan::new(&layout("T{<i:a:4x<d:b:}")).unwrap();
    let columns = plan.columns(&[7; 32], None).unwrap();
    let ColumnData::Int32(data) = &columns[0].data else { panic!() };
    let address = data.as_ptr().cast();
    let batch = mapping("T{<i:a:4x<d:b:}").batch_of_columns(columns, 2).unwrap();
    assert_eq!(first(&batch), address);
}

/// The array is transposed and reversed.
#[test]
fn arrays_of_any_strides_are_copied_in_c_order() {
    let memory: Vec<u8> = (0..6_u64).flat_map(u64::to_be_bytes).collect();
    let raw =
        RawView { len: 48, itemsize: 8, ndim: 2, shape: Some(&[3, 2]), strides: Some(&[-8, 24]), ..RawView::default() };
    let view = raw
        .check(Request::STRIDES, None, Some(Block { len: 48, offset: 16 }))
        .into_result()
        .unwrap_or_else(|report| panic!("{report}"));
    let plan = Plan::new(&layout(">Q")).unwrap();
    let buffer = Buffer::new(&view, &plan, &memory).unwrap();
    let batch = mapping(">Q").batch(&buffer).unwrap();
    assert_eq!(batch["value"].as_primitive::<UInt64Type>().values(), &[2, 5, 1, 4, 0, 3]);
    let error = mapping("<d").batch(&buffer).unwrap_err();
    assert_eq!(error.to_string(), "column 0 does not match field `value` with 6 records");
}

/// A slice of bytes and a buffer give the same columns.
#[test]
fn chosen_fields_become_columns() {
    let layout = layout("T{>H:a:(2)T{<H:x:<H:y:}:r:T{B:c:B:d:}:n:}");
    let memory: Vec<u8> = (0..24).collect();
    let raw = RawView { len: 24, itemsize: 12, ndim: 1, shape: Some(&[2]), ..RawView::default() };
    let view = raw.check(Request::ND, None, None).into_result().unwrap();
    let plan = Plan::new(&layout).unwrap();
    let mapping = Mapping::with_columns(&layout, &["n.c", "r", "a", "n.c"]).unwrap();
    let names: Vec<_> = mapping.verdicts().iter().map(|verdict| verdict.field.as_str()).collect();
    assert_eq!(names, ["n.c", "r.x", "r.y", "a", "n.c"]);
    let batch = mapping.batch(&Buffer::new(&view, &plan, &memory).unwrap()).unwrap();
    assert_eq!(batch, mapping.batch_of_bytes(bytes(&[&memory])).unwrap());
    assert_eq!(batch.column(0).as_primitive::<UInt8Type>().values(), &[10, 22]);
    assert_eq!(batch.column(0), batch.column(3));
    assert_eq!(batch.column(2).as_primitive::<UInt16Type>().values(), &[1, 0x0c0d]);
    let records = batch.column(1).as_fixed_size_list().values().as_struct();
    assert_eq!(records.column(0).as_primitive::<UInt16Type>().values(), &[0x0302, 0x0706, 0x0f0e, 0x1312]);
    assert_eq!(records.column(1).as_primitive::<UInt16Type>().values(), &[0x0504, 0x0908, 0x1110, 0x1514]);
    let error = Mapping::with_columns(&layout, &["n"]).unwrap_err();
    assert_eq!(error.to_string(), "no field is named `n`");
}

/// A schema can have several fields with the same name. The position of a field identifies the field, but the name does
/// not.
#[test]
fn names_of_several_fields_are_refused() {
    let refused = |format: &str, name: &str, mapping: &dyn Fn(&Layout) -> Result<Mapping, BatchError>| {
        let error = mapping(&layout(format)).unwrap_err();
        assert_eq!(error.to_string(), format!("several fields are named `{name}`"), "{format}");
    };
    for (format, name) in [("T{B:a:B:a:}", "a"), ("T{BB:f0:}", "f0"), ("T{T{B:b:B:b:}:a:}", "a.b")] {
        assert!(Mapping::new(&layout(format)).is_ok());
        refused(format, name, &|layout| Mapping::with_columns(layout, &[name]));
    }
    // The field `a.b` and the field `b` of the record `a` both have the dotted name `a.b`. Hence `a.b` does not
    // identify a field.
    let both = "T{1s:a.b:T{1s:b:}:a:}";
    assert!(Mapping::new(&layout(both)).is_ok());
    refused(both, "a.b", &|layout| Mapping::with_columns(layout, &["a.b"]));
    refused(both, "a.b", &|layout| Mapping::with_utf8(layout, &[b"a.b"]));
}

#[test]
fn items_without_records_fields_elements_or_bytes_are_converted() {
    for format in ["<i", EVERY, "T{(0)<i:a:B:b:}", "T{0s:a:0u:b:B:c:}", "(0)T{<i:a:}", "T{(2,0,3)<i:a:B:b:}"] {
        let mapping = mapping(format);
        let batch = mapping.batch_of_bytes(Bytes::from_vec(Vec::<u8>::new())).unwrap();
        assert_eq!((batch.num_rows(), batch.num_columns()), (0, mapping.schema().fields().len()), "{format}");
    }
    for format in ["T{(0)<i:a:B:b:}", "T{0s:a:0u:b:B:c:}", "T{(2,0,3)<i:a:B:b:}", "T{T{}:a:B:b:}", "x"] {
        let batch = mapping(format).batch_of_bytes(vec![0_u8; 3].into()).unwrap();
        assert_eq!(batch.num_rows(), 3, "{format}");
    }
}

#[test]
fn byte_strings_become_text_on_request() {
    let layout = layout("T{3s:a:4p:b:}");
    let mapping = Mapping::with_utf8(&layout, &[b"a", b"b"]).unwrap();
    let batch = mapping.batch_of_bytes(b"x\0\0\x02yz!\0\0\0\x09\0\0u"[..].into()).unwrap();
    let [a, b] = ["a", "b"].map(|name| batch[name].as_string::<i32>().iter().flatten().collect::<Vec<_>>());
    assert_eq!(a, ["x", ""]);
    assert_eq!(b, ["yz", "\0\0u"]);
    let error = mapping.batch_of_bytes(b"xyz\0\0\0\0\xff\0\0\0\0\0\0"[..].into()).unwrap_err();
    assert_eq!(error, BatchError::Text { field: "a".into(), index: 1 });
    assert_eq!(error.to_string(), "field `a`: value 1 is not Unicode text");
}

#[test]
fn invalid_layouts_and_columns_are_named_in_the_error() {
    let refused = |result: Result<Mapping, BatchError>| result.unwrap_err().to_string();
    // On a 32-bit machine an item of this size does not fit the memory.
    let long = |answer: &'static str| match usize::BITS {
        64 => answer,
        _ => "there is no memory for 2147483648 bytes",
    };
    assert_eq!(
        refused(Mapping::new(&layout("(2147483648)B"))),
        long("field `value` has 2147483648 elements but Arrow counts up to 2147483647")
    );
    assert_eq!(
        refused(Mapping::new(&layout("T{2147483648s:a:}"))),
        long("field `a` has 2147483648 bytes but Arrow counts up to 2147483647")
    );
    assert_eq!(refused(Mapping::with_utf8(&layout("T{3s:a:}"), &[b"c"])), "no field is named `c`");
    assert_eq!(refused(Mapping::with_utf8(&layout("T{<i:a:}"), &[b"a"])), "items are int32 but bytes was requested");
    let error = mapping("<2u").batch_of_bytes(vec![0x41_u8, 0, 0, 0xd8].into()).unwrap_err();
    assert_eq!(error.to_string(), "field `value`: value 0 is not Unicode text");
    let error = mapping("<i").batch_of_bytes(vec![0_u8; 10].into()).unwrap_err();
    assert_eq!(error.to_string(), "10 bytes are not a multiple of the 4-byte item size");
    let columns = Plan::new(&layout("<i")).unwrap().columns(&[0; 8], None).unwrap();
    // The values have no bytes, but a vector of their offsets would be too large.
    let nothing = Plan::new(&layout("0u")).unwrap().columns(&[], None).unwrap();
    let error = mapping("0u").batch_of_columns(nothing, 1 << (usize::BITS - 3)).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no memory for {} bytes", 1_u64 << (usize::BITS - 1)));
    assert!(mapping("<i").batch_of_columns(columns.clone(), 3).is_err());
    assert!(mapping("<i").batch_of_columns(Vec::new(), 2).is_err());
    assert!(mapping("<i").batch_of_columns([columns.clone(), columns].concat(), 2).is_err());
}

/// Appends to `out` the arrays inside of `data` that have no child arrays, in the order of the format.
fn leaf_arrays(data: &arrow_data::ArrayData, out: &mut Vec<arrow_data::ArrayData>) {
    match data.data_type() {
        DataType::Struct(_) | DataType::FixedSizeList(..) => {
            data.child_data().iter().for_each(|child| leaf_arrays(child, out));
        }
        _ => out.push(data.clone()),
    }
}

/// Returns the number of bytes that a change of the byte order reverses in the column `data`, except for long doubles:
/// the size of a number, or of a part of a complex number.
fn unit(data: &ColumnData) -> usize {
    match data {
        ColumnData::Int16(_)
        | ColumnData::UInt16(_)
        | ColumnData::Address16(_)
        | ColumnData::Object16(_)
        | ColumnData::Ucs2(_)
        | ColumnData::Float16(_)
        | ColumnData::Complex32(_) => 2,
        ColumnData::Int32(_)
        | ColumnData::UInt32(_)
        | ColumnData::Address32(_)
        | ColumnData::Object32(_)
        | ColumnData::Ucs4(_)
        | ColumnData::Float32(_)
        | ColumnData::Complex64(_) => 4,
        ColumnData::Int64(_)
        | ColumnData::UInt64(_)
        | ColumnData::Address64(_)
        | ColumnData::Object64(_)
        | ColumnData::Float64(_)
        | ColumnData::Complex128(_) => 8,
        _ => 1,
    }
}

/// For random layouts and bytes, every array has the elements of its column, whether the memory is shared or copied.
/// The test does not compare booleans, long doubles and texts, and skips layouts without an Arrow type.
#[test]
fn batches_have_the_elements_of_their_columns() {
    let compared = Cell::new(0_usize);
    search_until(
        1000,
        || compared.get() > 1000,
        |random| {
            let (format, layout) = crate::properties::layouts::random_layout(random)?;
            let Ok(mapping) = Mapping::new(&layout) else { return Ok(()) };
            let items = random.int_in_range(0..=5)?;
            let records = random.bytes(items * usize::try_from(layout.size()).unwrap())?;
            let columns = Plan::new(&layout).unwrap().columns(records, None).unwrap();
            let batch = match mapping.batch_of_bytes(bytes(&[records])) {
                Err(BatchError::Text { .. }) => return Ok(()),
                batch => batch.unwrap_or_else(|error| panic!("{format}: {error}")),
            };
            assert_eq!(batch.num_rows(), if layout.size() == 0 { 0 } else { items });
            let mut arrays = Vec::new();
            batch.columns().iter().for_each(|column| leaf_arrays(&column.to_data(), &mut arrays));
            assert_eq!(arrays.len(), columns.len(), "{format}");
            for (array, column) in arrays.iter().zip(&columns) {
                let same = !matches!(
                    column.ty,
                    Type::Bool | Type::LongDouble | Type::ComplexLongDouble | Type::Ucs2 | Type::Ucs4 | Type::Wchar
                );
                if same {
                    // The reference decoder returns little-endian bytes, and an array has native byte order.
                    let mut expected = crate::reference_decoder::column_bytes(&column.data);
                    if cfg!(target_endian = "big") {
                        expected.chunks_exact_mut(unit(&column.data)).for_each(<[u8]>::reverse);
                    }
                    assert_eq!(array.buffers()[0].as_slice(), expected, "{format}: {}", column.name.escape_ascii());
                    compared.set(compared.get() + expected.len());
                }
            }
            Ok(())
        },
    );
}
