//! Tests of the functions that build the formats and layouts of structs. The derive macro calls the functions at
//! compile time, and these tests call the functions at run time.

use pep3118::decode::record::{FieldCursor, FieldLayout, RecordField, RecordLayout};
use pep3118::{Endian, Record};

use super::{HalfPacked, Network, Packed, Plain, Skipping, Small, Tuple, Wide, hygiene, with_host_order};

/// Returns the format of `layout`. The format must have at most 512 bytes. Also asserts that `format_bytes` returns the
/// start of the format for an array that is shorter than the format.
fn format_of(layout: &RecordLayout) -> String {
    let bytes = layout.format_bytes::<512>();
    let (format, rest) = bytes.split_at(layout.format_len());
    assert!(rest.iter().all(|byte| *byte == 0));
    assert_eq!(layout.format_bytes::<5>(), format[..5]);
    String::from_utf8(format.to_vec()).unwrap()
}

/// The constants of the derive macro equal the results of the functions at run time.
#[test]
fn formats_at_run_time_equal_the_constants_of_the_derive() {
    macro_rules! check {
        ($($record:ty),+) => {$(assert_eq!(format_of(&<$record>::LAYOUT), <$record>::FORMAT);)+};
    }
    check!(Small, Packed, HalfPacked, Wide, Plain, Skipping, Tuple, Network, hygiene::Confused);
}

/// Returns the cursor of the last field and the fields of a C struct of `u8`, `f64` and `u16`. `packed` is the maximum
/// alignment in bytes, or `None` if the struct is not packed.
fn three_fields(packed: Option<usize>) -> (FieldCursor, [FieldLayout; 3]) {
    let a = FieldCursor::start(packed).next::<u8>();
    let b = a.next::<f64>();
    let c = b.next::<u16>();
    let fields = [
        FieldLayout::new::<u8>(Some("a"), a, None),
        FieldLayout::new::<f64>(Some("b"), b, Some(Endian::Big)),
        FieldLayout::new::<u16>(None, c, Some(Endian::Little)),
    ];
    (c, fields)
}

#[test]
fn packing_and_alignment_are_those_of_c() {
    let cases = [
        (None, None, [0, 8, 16], 24, 8, "T{~B:a:7x>d:b:<H6x}"),
        (Some(1), None, [0, 1, 9], 11, 1, "T{~B:a:>d:b:<H}"),
        (Some(4), None, [0, 4, 12], 16, 4, "T{~B:a:3x>d:b:<H2x}"),
        (Some(16), None, [0, 8, 16], 24, 8, "T{~B:a:7x>d:b:<H6x}"),
        (Some(2), Some(32), [0, 2, 10], 32, 32, "T{~B:a:x>d:b:<H20x}"),
    ];
    for (packed, align, offsets, size, wanted_align, format) in cases {
        let (end, fields) = three_fields(packed);
        let layout = RecordLayout::new(end, align, true, Box::leak(Box::new(fields)));
        assert_eq!((layout.size(), layout.align()), (size, wanted_align), "{packed:?} {align:?}");
        let found: Vec<_> = layout.fields().iter().map(|field| (field.name(), field.offset(), field.size())).collect();
        assert_eq!(found, [(Some("a"), offsets[0], 1), (Some("b"), offsets[1], 8), (None, offsets[2], 2)]);
        assert_eq!(format_of(&layout), with_host_order(format));
    }
}

/// A skipped field becomes padding. Arrays, strings and records have their shapes in the format.
#[test]
fn formats_contain_the_shapes_of_fields() {
    /// Returns the layout of a struct with a skipped field of 3 bytes and a field of the type `T`.
    fn one<T: RecordField>() -> RecordLayout {
        let place = FieldCursor::start(None).skip(3, 1).next::<T>();
        let fields = [FieldLayout::new::<T>(Some("m"), place, None)];
        RecordLayout::new(place, None, false, Box::leak(Box::new(fields)))
    }
    assert_eq!(format_of(&one::<u32>()), with_host_order("T{4x~I:m:}"));
    assert_eq!(format_of(&one::<[[i16; 10]; 123]>()), with_host_order("T{4x(123,10)~h:m:}"));
    assert_eq!(format_of(&one::<[u8; 100]>()), with_host_order("T{3x~100s:m:}"));
    assert_eq!(format_of(&one::<[char; 10]>()), with_host_order("T{4x~10w:m:}"));
    assert_eq!(format_of(&one::<[[u8; 3]; 2]>()), with_host_order("T{3x(2)~3s:m:}"));
    assert_eq!(format_of(&one::<[Small; 2]>()), with_host_order("T{4x(2)T{~b:a:3x~i:b:}:m:}"));
    assert_eq!((one::<Small>().size(), one::<Small>().align()), (12, 4));
}
