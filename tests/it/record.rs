//! Tests of reading structs from items: derived formats, fields in another order or byte order, and refusals.
#![forbid(unsafe_code)]
#![deny(clippy::all, non_upper_case_globals, unused, missing_debug_implementations)]

mod const_format;
mod large;
mod write;

use arbtest::arbitrary::Unstructured;
use half::f16;
use num_complex::Complex;
use pep3118::decode::record::{RecordError, RecordField};
use pep3118::decode::{Buffer, Plan, Value};
use pep3118::{Comparison, DataModel, Dialect, Endian, Equivalence, Layout, RawView, Record, Request, Target};

use crate::snapshot;

/// The byte-order character of this machine.
const HOST: &str = match Endian::HOST {
    Endian::Little => "<",
    Endian::Big => ">",
};

/// A struct with padding between its fields.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
#[repr(C)]
struct Small {
    a: i8,
    b: i32,
}

/// A struct without padding.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
#[repr(C, packed)]
struct Packed {
    a: i8,
    b: i32,
    c: f64,
}

/// A struct whose fields have an alignment of at most 2 bytes.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
#[repr(C, packed(2))]
struct HalfPacked {
    a: i8,
    b: i32,
    c: u8,
}

/// A struct with a larger alignment than its field.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
#[repr(C, align(16))]
struct Wide {
    a: u16,
}

/// A struct in Rust's default representation with a field of each kind.
#[derive(Record, Debug, Clone, PartialEq)]
struct Plain {
    a: u8,
    b: Inner,
    c: [Inner; 2],
    d: [[i16; 3]; 2],
    tag: [u8; 5],
    tags: [[u8; 3]; 2],
    half: f16,
    complex: Complex<f32>,
    double: Complex<f64>,
    flag: bool,
    flags: [bool; 3],
    letter: char,
    word: [char; 2],
    r#type: u64,
}

/// A record in other structs.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
struct Inner {
    x: f64,
    y: u16,
}

/// A `repr(C)` struct with skipped fields and a renamed field.
#[derive(Record, Debug, PartialEq)]
#[repr(C)]
struct Skipping {
    a: u8,
    #[record(skip)]
    b: u32,
    #[record(rename = "long name")]
    c: u8,
    #[record(skip)]
    d: Option<Box<str>>,
}

/// A struct in Rust's default representation with a skipped field.
#[derive(Record, Debug, PartialEq)]
struct SkippingPlain {
    a: u8,
    #[record(skip)]
    b: Option<String>,
    c: u8,
}

/// A tuple struct, whose fields have no names.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
struct Tuple(i16, #[record(endian = "big")] f32, [u8; 2]);

/// A struct whose fields are big-endian in the format, except for one field.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
#[record(endian = "big")]
struct Network {
    a: u16,
    #[record(endian = "little")]
    b: u16,
    c: Small,
}

/// A struct that the library reads by copying bytes, because the struct is `plain`.
#[derive(Record, bytemuck::AnyBitPattern, Debug, Clone, Copy, PartialEq)]
#[record(plain)]
#[repr(C)]
struct Copied {
    a: u8,
    b: u32,
    c: [f32; 2],
    d: u64,
}

/// A struct with the fields of [`Copied`]. The library reads items field by field, because the struct is not
/// `AnyBitPattern`.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
#[repr(C)]
struct FieldByField {
    a: u8,
    b: u32,
    c: [f32; 2],
    d: u64,
}

/// A module whose names are also used in derived code. The derived code must compile in this module.
mod hygiene {
    #![allow(dead_code, non_camel_case_types, reason = "only the names matter")]
    use pep3118::Record as Derive;
    struct Option;
    struct Some;
    struct Vec;
    trait Record {}
    trait Member {}
    const N: usize = 2;
    type u8 = i64;
    #[derive(Derive)]
    pub(super) struct Confused {
        pub(super) a: [u8; N],
    }
}

/// Returns the layout of `format` in the dialect PEP 3118 on this machine.
fn layout(format: &str) -> Layout {
    Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::HOST).unwrap()
}

/// Reads structs of the type `T` from the bytes `items`, whose format is `format`.
fn read<T: Record>(format: &str, items: &[u8]) -> Result<Vec<T>, RecordError> {
    Plan::new(&layout(format)).unwrap().read_records(items)
}

/// Returns `format` with each `~` replaced by the byte-order character of this machine.
fn with_host_order(format: &str) -> String {
    format.replace('~', HOST)
}

#[test]
fn formats_of_structs_have_explicit_padding() {
    assert_eq!(Small::FORMAT, with_host_order("T{~b:a:3x~i:b:}"));
    assert_eq!(Packed::FORMAT, with_host_order("T{~b:a:~i:b:~d:c:}"));
    assert_eq!(HalfPacked::FORMAT, with_host_order("T{~b:a:x~i:b:~B:c:x}"));
    assert_eq!(Wide::FORMAT, with_host_order("T{~H:a:14x}"));
    assert_eq!(Tuple::FORMAT, with_host_order("T{~h2x>f~2s2x}"));
    assert_eq!(Network::FORMAT, "T{>H:a:<H:b:T{>b:a:3x>i:b:}:c:}");
    assert_eq!(SkippingPlain::FORMAT, with_host_order("T{~B:a:~B:c:}"));
    assert_eq!(hygiene::Confused::FORMAT, with_host_order("T{(2)~q:a:}"));
    // The padding depends on the alignment of a double on this machine: 4 or 8 bytes.
    let padded = match align_of::<f64>() {
        4 => {
            "T{~B:a:3xT{~d:x:~H:y:2x}:b:(2)T{~d:x:~H:y:2x}:c:(2,3)~h:d:~5s:tag:(2)~3s:tags:x~e:half:2x~Zf:complex:\
             ~Zd:double:~?:flag:(3)~?:flags:~w:letter:~2w:word:~Q:type:}"
        }
        _ => {
            "T{~B:a:7xT{~d:x:~H:y:6x}:b:(2)T{~d:x:~H:y:6x}:c:(2,3)~h:d:~5s:tag:(2)~3s:tags:x~e:half:2x~Zf:complex:4x\
             ~Zd:double:~?:flag:(3)~?:flags:~w:letter:~2w:word:~Q:type:}"
        }
    };
    assert_eq!(Plain::FORMAT, with_host_order(padded));
}

/// The offsets in the derived layout equal the offsets of the compiler.
#[test]
fn c_layouts_are_those_of_the_compiler() {
    /// Returns the size and the alignment of the struct, and the offsets of its fields, in bytes.
    fn offsets<T: Record>() -> (usize, usize, Vec<usize>) {
        (T::LAYOUT.size(), T::LAYOUT.align(), T::LAYOUT.fields().iter().map(|field| field.offset()).collect())
    }
    macro_rules! check {
        ($($record:ident { $($field:ident),+ })+) => {$(
            let compiled = vec![$(std::mem::offset_of!($record, $field)),+];
            assert_eq!(offsets::<$record>(), (size_of::<$record>(), align_of::<$record>(), compiled));
        )+};
    }
    check! {
        Small { a, b }
        Packed { a, b, c }
        HalfPacked { a, b, c }
        Wide { a }
        Skipping { a, c }
        Copied { a, b, c, d }
    }
}

/// `FORMAT` describes the fields of the struct in every dialect that accepts `FORMAT`. The emitted format describes the
/// same fields.
#[test]
fn formats_describe_the_fields_of_the_struct() {
    fn check<T: Record>() {
        let layout = T::layout().unwrap();
        assert_eq!(usize::try_from(layout.size()).unwrap(), T::LAYOUT.size(), "{}", T::FORMAT);
        assert_eq!(T::matches(&layout), Ok(()), "{}", T::FORMAT);
        let fields: Vec<_> = layout.item().fields().map(|field| (field.offset(), field.total_size())).collect();
        let wanted: Vec<_> =
            T::LAYOUT.fields().iter().map(|field| (field.offset() as u64, field.size() as u64)).collect();
        assert_eq!(fields, wanted, "{}", T::FORMAT);
        let canonical = layout.emit(Target::Canonical).unwrap();
        let canonical = Layout::read(&canonical, &Dialect::PEP3118, &DataModel::HOST).unwrap();
        assert_eq!(Comparison::of_layouts(&layout, &canonical).equivalence, Some(Equivalence::Scalars));
        for dialect in [Dialect::NUMPY_READER, Dialect::CTYPES] {
            if let Ok(other) = Layout::read(T::FORMAT.as_bytes(), &dialect, &DataModel::HOST) {
                let same = Comparison::of_layouts(&layout, &other);
                assert_eq!(
                    same.equivalence,
                    Some(Equivalence::Scalars),
                    "{} for {}: {same:?}",
                    T::FORMAT,
                    dialect.name
                );
            }
        }
    }
    check::<Small>();
    check::<Packed>();
    check::<HalfPacked>();
    check::<Wide>();
    check::<Plain>();
    check::<Skipping>();
    check::<SkippingPlain>();
    check::<Tuple>();
    check::<Network>();
    check::<Copied>();
}

#[test]
fn fields_in_another_order_and_byte_order_are_read() {
    let item = [&2.5_f64.to_be_bytes()[..], &[0xff], &(-70_000_i32).to_be_bytes()].concat();
    let packed: Vec<Packed> = read("T{>d:c:b:a:>i:b:}", &item.repeat(300)).unwrap();
    assert_eq!(packed, vec![Packed { a: -1, b: -70_000, c: 2.5 }; 300]);
    // Fields without names are matched by position. The second format is NumPy's format of an aligned dtype.
    let item = [&[7, 0, 0, 0][..], &9_i32.to_ne_bytes()].concat();
    assert_eq!(read::<Small>("b3xi", &item).unwrap(), [Small { a: 7, b: 9 }]);
    assert_eq!(read::<Small>("T{b:a:xxxi:b:}", &item).unwrap(), [Small { a: 7, b: 9 }]);
    assert_eq!(read::<Wide>(">H", &[1, 2, 3, 4]).unwrap(), [Wide { a: 0x102 }, Wide { a: 0x304 }]);
    assert_eq!(
        read::<Tuple>("<h2s:t:>f", &[1, 0, 2, 3, 0x40, 0, 0, 0]).unwrap_err().to_string(),
        "field `f1` at byte 2 is bytes of 2 bytes but the struct has float32"
    );
    assert_eq!(read::<Tuple>("<h>f2s", &[1, 0, 0x40, 0, 0, 0, 2, 3]).unwrap(), [Tuple(1, 2.0, [2, 3])]);
    let network: Vec<Network> = read(Network::FORMAT, &[1, 2, 2, 1, 5, 0, 0, 0, 0, 0, 0, 6]).unwrap();
    assert_eq!(network, [Network { a: 0x102, b: 0x102, c: Small { a: 5, b: 6 } }]);
}

#[test]
fn skipped_fields_are_default() {
    let skipping = Skipping { a: 1, b: 0, c: 2, d: None };
    assert_eq!(read::<Skipping>("T{B:a:B:long name:}", &[1, 2]).unwrap(), [skipping]);
    assert_eq!(read::<SkippingPlain>("T{B:c:B:a:}", &[1, 2]).unwrap(), [SkippingPlain { a: 2, b: None, c: 1 }]);
    let mut item = vec![0xff; Skipping::LAYOUT.size()];
    item[0] = 1;
    item[8] = 2;
    assert_eq!(read::<Skipping>(Skipping::FORMAT, &item).unwrap(), [Skipping { a: 1, b: 0, c: 2, d: None }]);
}

#[test]
fn strings_may_contain_any_bytes() {
    #[derive(Record, Debug, PartialEq)]
    struct Tagged {
        tag: [u8; 3],
    }
    for format in ["T{3s:tag:}", "T{(3)B:tag:}", "T{3p:tag:}", "T{(3)c:tag:}", "3s", "3B", "(3)B"] {
        match read::<Tagged>(format, b"abc") {
            Ok(read) => assert_eq!(read, [Tagged { tag: *b"abc" }], "{format}"),
            Err(error) => panic!("{format}: {error}"),
        }
    }
    assert!(read::<Tagged>("T{(3)b:tag:}", b"abc").is_err());
}

/// Compares structs with dynamic values, for items in native and swapped byte order and with another order of fields.
#[test]
fn structs_have_the_values_of_dynamic_records() {
    const OTHER: &str = "T{>Q:type:(2)T{>H:y:>d:x:}:c:T{<H:y:>d:x:}:b:>2w:word:<w:letter:(3)?:flags:?:flag:>Zd:double:\
                         <Zf:complex:>e:half:(2)3s:tags:5s:tag:(2,3)>h:d:3xB:a:x}";
    let turned = |from: &str, to: &str| [Plain::FORMAT, OTHER].map(|format| format.replace(from, to));
    // Native order, swapped order, little-endian, big-endian, and both byte orders in one item.
    let formats = [turned("~", "~"), turned("<", ">"), turned(">", "<")].concat();
    let plans: Vec<Plan> = formats.iter().map(|format| Plan::new(&layout(format)).unwrap()).collect();
    arbtest::arbtest(|bytes| {
        for plan in &plans {
            let mut items = Vec::new();
            for _ in 0..bytes.int_in_range(0..=3)? {
                items.extend(random_item(plan, bytes)?);
            }
            let records: Vec<Plain> = plan.read_records(&items).unwrap();
            let values: Vec<Value> = plan.values(&items).unwrap().collect::<Result<_, _>>().unwrap();
            assert_eq!(records.len(), values.len());
            for (record, value) in records.iter().zip(&values) {
                assert_equal_fields(record, value);
            }
        }
        Ok(())
    });
}

/// Returns the bytes of a random item of a plan for [`Plain`]. Each bool is 0 or 1, and each character is NUL.
fn random_item(plan: &Plan, bytes: &mut Unstructured<'_>) -> arbtest::arbitrary::Result<Vec<u8>> {
    let mut item = vec![0; plan.itemsize()];
    bytes.fill_buffer(&mut item)?;
    for leaf in plan.leaves() {
        let len = leaf.size() * leaf.shape().iter().product::<usize>();
        let cells = &mut item[leaf.offset()..leaf.offset() + len];
        match &*leaf.name() {
            b"flag" | b"flags" => cells.iter_mut().for_each(|cell| *cell &= 1),
            b"letter" | b"word" => cells.fill(0),
            _ => {}
        }
    }
    Ok(item)
}

/// Asserts that the struct `record` and the dynamic record `value` have the same values, and that the characters of
/// `record` are NUL.
fn assert_equal_fields(record: &Plain, value: &Value) {
    let Value::Record(value) = value else { panic!("{value:?}") };
    let get = |name: &str| value.get(name.as_bytes()).unwrap();
    let inner = |value: &Value| {
        let Value::Record(value) = value else { panic!("{value:?}") };
        match (value.get(b"x").unwrap(), value.get(b"y").unwrap()) {
            (Value::Float64(x), Value::UInt(y)) => (x.to_bits(), *y),
            other => panic!("{other:?}"),
        }
    };
    let bits = |inner: Inner| (inner.x.to_bits(), u64::from(inner.y));
    let list = |name: &str| match get(name) {
        Value::Array(array) => array.values().to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(get("a"), &Value::UInt(record.a.into()));
    assert_eq!(inner(get("b")), bits(record.b));
    assert_eq!(list("c").iter().map(inner).collect::<Vec<_>>(), record.c.map(bits));
    assert_eq!(list("d"), record.d.concat().into_iter().map(|d| Value::Int(d.into())).collect::<Vec<_>>());
    assert_eq!(get("tag"), &Value::Bytes(record.tag.to_vec()));
    assert_eq!(list("tags"), record.tags.map(|tag| Value::Bytes(tag.to_vec())));
    assert!(matches!(get("half"), Value::Float16(half) if half.to_bits() == record.half.to_bits()));
    let Value::Complex64(complex) = get("complex") else { panic!() };
    assert_eq!(
        (complex.re.to_bits(), complex.im.to_bits()),
        (record.complex.re.to_bits(), record.complex.im.to_bits())
    );
    let Value::Complex128(complex) = get("double") else { panic!() };
    assert_eq!((complex.re.to_bits(), complex.im.to_bits()), (record.double.re.to_bits(), record.double.im.to_bits()));
    assert_eq!(get("flag"), &Value::Bool(record.flag));
    assert_eq!(list("flags"), record.flags.map(Value::Bool));
    assert_eq!((record.letter, record.word), ('\0', ['\0'; 2]));
    assert_eq!(get("type"), &Value::UInt(record.r#type));
}

/// Items that the library copies, reads field by field or permutes give the same structs.
#[test]
fn every_strategy_reads_the_same_structs() {
    let bits = |a: u8, b: u32, c: [f32; 2], d: u64| (a, b, c.map(f32::to_bits), d);
    let other = Plan::new(&layout("T{>Q:d:(2)>f:c:>I:b:B:a:}")).unwrap();
    let same = Plan::new(&Copied::layout().unwrap()).unwrap();
    arbtest::arbtest(|bytes| {
        let count = bytes.int_in_range(0..=600)?;
        let mut items = vec![0; count * size_of::<Copied>()];
        bytes.fill_buffer(&mut items)?;
        let copied: Vec<Copied> = same.read_records(&items).unwrap();
        let loaded: Vec<FieldByField> = same.read_records(&items).unwrap();
        let mut moved = Vec::new();
        for record in &copied {
            moved.extend(record.d.to_be_bytes());
            moved.extend(record.c.iter().flat_map(|c| c.to_bits().to_be_bytes()));
            moved.extend(record.b.to_be_bytes());
            moved.push(record.a);
        }
        let moved: Vec<Copied> = other.read_records(&moved).unwrap();
        let copied: Vec<_> = copied.iter().map(|r| bits(r.a, r.b, r.c, r.d)).collect();
        assert_eq!(copied, loaded.iter().map(|r| bits(r.a, r.b, r.c, r.d)).collect::<Vec<_>>());
        assert_eq!(copied, moved.iter().map(|r| bits(r.a, r.b, r.c, r.d)).collect::<Vec<_>>());
        assert_eq!(copied.len(), count);
        Ok(())
    });
}

#[test]
fn records_are_read_in_the_order_of_the_view() {
    let raw = RawView {
        len: 24,
        itemsize: 4,
        ndim: 2,
        format: Some(b"T{>H:a:>H:b:}"),
        shape: Some(&[2, 3]),
        strides: Some(&[4, 8]),
        ..RawView::default()
    };
    #[derive(Record, Debug, PartialEq)]
    struct Pair {
        a: u16,
        b: u16,
    }
    let view = raw.check(Request::FULL_RO, None, None).into_result().unwrap();
    let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
    let bytes: Vec<u8> = (0..24).collect();
    let buffer = Buffer::new(&view, &plan, &bytes).unwrap();
    let firsts: Vec<u16> = buffer.read_records::<Pair>().unwrap().iter().map(|pair| pair.a).collect();
    assert_eq!(firsts, [0x0001, 0x0809, 0x1011, 0x0405, 0x0c0d, 0x1415]);
}

#[test]
fn bytes_that_are_not_a_value_are_refused() {
    #[derive(Record, Debug)]
    struct Checked {
        ok: bool,
        grid: [Cell; 2],
        letter: char,
    }
    #[derive(Record, Debug)]
    struct Cell {
        on: [bool; 2],
    }
    let plan = Plan::new(&layout("T{?:ok:(2)T{(2)?:on:}:grid:>w:letter:}")).unwrap();
    let good = [1, 0, 1, 1, 0, 0, 0, 0, b'x'];
    let record = &plan.read_records::<Checked>(&good).unwrap()[0];
    assert_eq!((record.ok, record.grid[0].on, record.letter), (true, [false, true], 'x'));
    let refused = |at: usize, byte: u8, record: usize| {
        let mut items = good.repeat(1000);
        items[record * 9 + at] = byte;
        plan.read_records::<Checked>(&items).unwrap_err().to_string()
    };
    assert_eq!(refused(5, 1, 301), "field `letter` of record 301 is 0x1000078, which is not a char");
}

/// `struct`, `memoryview`, NumPy and ctypes read each byte other than 0 as `True`.
#[test]
fn every_byte_other_than_0_is_a_true_bool_in_every_path() {
    #[derive(Record, Debug, PartialEq)]
    struct Flag {
        on: bool,
        other: u8,
    }
    let plan = Plan::new(&layout("T{?:on:B:other:}")).unwrap();
    for byte in 0..=u8::MAX {
        let items = [byte, 7];
        let wanted = byte != 0;
        assert_eq!(plan.read_records::<Flag>(&items).unwrap(), [Flag { on: wanted, other: 7 }]);
        let columns = plan.columns(&items, None).unwrap();
        assert!(matches!(&columns[0].data, pep3118::decode::ColumnData::Bool(values) if *values == [wanted]));
    }
}

/// For any format and any bytes, the library returns records or an error.
#[test]
fn no_format_makes_reading_records_panic() {
    arbtest::arbtest(|bytes| {
        const PARTS: &[&str] =
            &["T{", "}", ":a:", ":b:", ":c:", "<i", ">d", "B", "(2)", "3s", "b", "x", "4x", "0s", "?", "w", "Zf", "@"];
        let mut format = String::new();
        for _ in 0..bytes.int_in_range(0..=12)? {
            format += *bytes.choose(PARTS)?;
        }
        let Ok(layout) = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::HOST) else { return Ok(()) };
        let Ok(plan) = Plan::new(&layout) else { return Ok(()) };
        let mut items = vec![0; plan.itemsize() * 3];
        bytes.fill_buffer(&mut items)?;
        for found in [
            plan.read_records::<Small>(&items).map(|records| records.len()),
            plan.read_records::<Network>(&items).map(|records| records.len()),
            plan.read_records::<Plain>(&items).map(|records| records.len()),
        ] {
            assert!(found.is_err() || found == Ok(3) || items.is_empty(), "{format}");
        }
        Ok(())
    });
}

#[test]
fn a_mismatch_is_described_in_one_sentence() {
    /// Returns one line with `format`, and the first difference between the format and the struct `T`.
    fn mismatch_message<T: Record>(format: &str) -> String {
        let layout = Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap();
        match T::matches(&layout) {
            Ok(()) => format!("{format:<44} matches\n"),
            Err(mismatch) => format!("{format:<44} {mismatch}\n"),
        }
    }
    let mut page = String::from("struct Small { a: i8, b: i32 }\n");
    for format in [
        "T{<b:a:<i:b:}",
        "T{>i:b:b:a:}",
        "<bi",
        "T{<b:a:}",
        "T{<b:a:<i:b:<i:c:}",
        "T{<b:a:<i:b:<i}",
        "<bii",
        "<h",
        "T{<b:a:<h:b:}",
        "T{<b:a:<I:b:}",
        "T{<b:a:(2)<i:b:}",
        "T{<b:a:T{<i:x:}:b:}",
        "T{<b:a:4s:b:}",
        "(2)T{<b:a:<i:b:}",
    ] {
        page += &mismatch_message::<Small>(format);
    }
    #[derive(Record)]
    #[allow(dead_code, reason = "only its layout is asked for")]
    struct Nested {
        at: [Small; 2],
        tag: [u8; 3],
        word: [char; 4],
    }
    page += "\nstruct Nested { at: [Small; 2], tag: [u8; 3], word: [char; 4] }\n";
    for format in [
        "T{(2)T{b:a:>i:b:}:at:3s:tag:>4w:word:}",
        "T{T{b:a:i:b:}:at:3s:tag:4w:word:}",
        "T{(2)T{b:a:q:b:}:at:3s:tag:4w:word:}",
        "T{(2)T{b:a:}:at:3s:tag:4w:word:}",
        "T{(2)T{b:a:i:b:c:c:}:at:3s:tag:4w:word:}",
        "T{(2)T{b:a:i:b:}:at:4s:tag:4w:word:}",
        "T{(2)T{b:a:i:b:}:at:3s:tag:(4)w:word:}",
        "T{(2)T{b:a:i:b:}:at:3s:tag:4u:word:}",
        "T{(2)T{b:a:i:b:}:at:3s:tag:(4)<I:word:}",
    ] {
        page += &mismatch_message::<Nested>(format);
    }
    snapshot::check("decode", "record-mismatches", "formats beside two structs", &page);
}

/// Records, arrays of records and complex numbers implement `RecordField`.
#[test]
fn every_type_of_field_is_read() {
    /// Compiles only if `T` can be a field of a record.
    fn is_member<T: RecordField>() {}
    is_member::<Small>();
    is_member::<[[Small; 2]; 3]>();
    is_member::<Complex<f16>>();
}
