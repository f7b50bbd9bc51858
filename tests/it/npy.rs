//! Tests of `NpyFile`. The files have the headers that NumPy 2.4.6 writes, except where a test changes them.

use pep3118::decode::Plan;
use pep3118::layout::{NpyError, NpyFile};
use pep3118::{DataModel, Layout};

/// A file of three records, which NumPy wrote.
const SAMPLES: &[u8] = include_bytes!("../../examples/samples.npy");

/// Returns a file of the version `major`.0 with the header `header` and the bytes `items`.
fn file(major: u8, header: &[u8], items: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).unwrap().to_le_bytes();
    let length = if major == 1 { &length[..2] } else { &length[..] };
    [b"\x93NUMPY", &[major, 0][..], length, header, items].concat()
}

#[test]
fn a_file_of_numpy_has_the_layout_of_its_dtype() {
    let npy = NpyFile::parse(SAMPLES).unwrap();
    let names: Vec<&[u8]> = npy.layout.item().fields().filter_map(|field| field.name()).collect();
    assert_eq!(names, [&b"id"[..], b"channel", b"at", b"tag"]);
    assert_eq!((npy.layout.size(), &npy.shape[..], npy.fortran_order, npy.items.len()), (24, &[3][..], false, 72));
}

#[test]
fn a_file_that_ends_early_is_refused() {
    for cut in 0..SAMPLES.len() {
        let error = NpyFile::parse(&SAMPLES[..cut]).unwrap_err();
        match error {
            NpyError::Magic => assert!(cut < 6, "{cut}"),
            NpyError::Short { part, found, needed } => {
                assert_eq!((found, part), (cut as u64, if cut < 192 { "header" } else { "array" }));
                assert!(needed > found && needed <= SAMPLES.len() as u64, "{cut}: {needed}");
            }
            error => panic!("{cut}: {error}"),
        }
    }
}

#[test]
fn every_version_is_read_in_its_encoding() {
    let latin = b"{'descr': [('\xe9', '<i2')], 'fortran_order': True, 'shape': (1, 2), }";
    let utf8 = "{'descr': [('é', '<i2')], 'fortran_order': True, 'shape': (1, 2), }".as_bytes();
    for (major, header) in [(1, &latin[..]), (2, latin), (3, utf8)] {
        // NumPy ignores the bytes after the last item.
        let file = file(major, header, &[1, 0, 2, 0, 9]);
        let npy = NpyFile::parse(&file).unwrap();
        assert_eq!(npy.layout, Layout::from_numpy_descr("[('é', '<i2')]", &DataModel::HOST).unwrap());
        assert_eq!((&npy.shape[..], npy.fortran_order, npy.items), (&[1, 2][..], true, &[1, 0, 2, 0][..]));
    }
    assert!(matches!(NpyFile::parse(&file(3, latin, &[0; 4])), Err(NpyError::Header { .. })));
    let mut other = file(1, latin, &[0; 4]);
    for (major, minor) in [(0, 0), (1, 1), (4, 0), (255, 255)] {
        (other[6], other[7]) = (major, minor);
        assert_eq!(NpyFile::parse(&other).unwrap_err(), NpyError::Version { major, minor });
    }
}

#[test]
fn the_keys_may_have_any_order_and_must_be_complete() {
    let header = |text: &str| NpyFile::parse(&file(1, text.as_bytes(), &[0; 8])).map(|npy| npy.items.len());
    assert_eq!(header("{\"shape\": (), 'fortran_order': False, 'descr': '<i8'}\n"), Ok(8));
    assert_eq!(header("{'descr': '<i8', 'fortran_order': False, 'shape': (0, 18446744073709551615)}"), Ok(0));
    let faults = [
        ("", "byte 0 of the header: expected a dictionary"),
        ("{'descr': '<i8', 'fortran_order': False}", "byte 40 of the header: expected the end, after the keys"),
        ("{'descr': '<i8', 'descr': '<i8'", "byte 17 of the header: expected one of the keys"),
        ("{'type': 1}", "byte 1 of the header: expected one of the keys"),
        ("{'descr' '<i8'}", "byte 9 of the header: expected a colon"),
        ("{'fortran_order': 1}", "byte 18 of the header: expected True or False"),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (1,)} x", "byte 56 of the header: expected the end"),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (1,)", "byte 54 of the header: expected a comma or"),
        ("{'descr': '|T16', 'fortran_order': False, 'shape': (1,)}", "no format of a buffer describes"),
        ("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}", "the items contain Python objects"),
        (
            "{'descr': '<i8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
            "the file has 93 bytes but its",
        ),
        (
            "{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}",
            "the file has 73 bytes but its array ends at byte 81",
        ),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (-1,)}", "byte 51 of the header: expected an integer"),
    ];
    for (text, expected) in faults {
        let error = header(text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn the_items_are_those_that_numpy_wrote() {
    let npy = NpyFile::parse(SAMPLES).unwrap();
    let plan = Plan::new(&npy.layout).unwrap();
    assert_eq!(plan.column::<u32>("id", npy.items).unwrap(), [1, 2, 70000]);
    assert_eq!(plan.column::<f64>("at", npy.items).unwrap(), [0.5, 0.75, 1.25]);
}

#[test]
fn a_changed_byte_never_panics() {
    for at in 0..SAMPLES.len() {
        for byte in [0, b' ', b'(', b')', b'[', b'}', b'\'', b'9', b'\\', 0xff] {
            let mut file = SAMPLES.to_vec();
            file[at] = byte;
            if let Ok(npy) = NpyFile::parse(&file) {
                let count: u64 = npy.shape.iter().product();
                assert_eq!(npy.items.len() as u64, count * npy.layout.size(), "{at} {byte}");
            }
        }
    }
}
