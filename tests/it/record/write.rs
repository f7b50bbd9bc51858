//! Tests of writing structs to items, of reading items in place, and of appending records to a vector.

use pep3118::decode::record::{NotInPlace, RecordError};
use pep3118::decode::{BufferMut, Plan};
use pep3118::{DataModel, RawView, Record, Request};

use super::{Copied, FieldByField, HalfPacked, Packed, Plain, Skipping, Small, layout, random_item};

/// Returns the plan for items of `format` in the dialect PEP 3118 on this machine.
fn plan(format: &str) -> Plan {
    Plan::new(&layout(format)).unwrap()
}

/// The library reads and writes items by several strategies. With each strategy, the written fields equal the read
/// fields, and the bytes between fields are unchanged.
#[test]
fn written_records_equal_the_records_that_were_read() {
    const OTHER: &str = "T{>Q:type:(2)T{>H:y:>d:x:x}:c:T{<H:y:>d:x:}:b:>2w:word:x<w:letter:(3)?:flags:?:flag:>Zd:double:\
                         <Zf:complex:>e:half:(2)3s:tags:5s:tag:(2,3)>h:d:3xB:a:x}";
    let formats = [Plain::FORMAT, OTHER];
    let formats =
        [("<", "<"), ("<", ">"), (">", "<")].map(|(from, to)| formats.map(|format| format.replace(from, to))).concat();
    let plans: Vec<Plan> = formats.iter().map(|format| plan(format)).collect();
    arbtest::arbtest(|bytes| {
        for plan in &plans {
            let mut items = Vec::new();
            for _ in 0..bytes.int_in_range(0..=4)? {
                items.extend(random_item(plan, bytes)?);
            }
            let records = plan.records::<Plain>().unwrap();
            let structs = records.read(&items).unwrap();
            let encoded = records.encode(&structs).unwrap();
            // The test compares bytes, because NaN is not equal to itself.
            let (mut zeros, mut ones) = (vec![0; items.len()], vec![0xff; items.len()]);
            plan.write_records(&structs, &mut zeros).unwrap();
            plan.write_records(&structs, &mut ones).unwrap();
            assert_eq!(encoded, zeros);
            let mut over = items.clone();
            records.write(&structs, &mut over).unwrap();
            assert_eq!(over, items);
            let mut padding = 0;
            for ((item, zero), one) in items.iter().zip(&zeros).zip(&ones) {
                if (zero, one) == (&0, &0xff) {
                    padding += 1;
                } else {
                    assert_eq!((item, item), (zero, one));
                }
            }
            let values: usize =
                plan.leaves().iter().map(|leaf| leaf.size() * leaf.shape().iter().product::<usize>()).sum();
            assert_eq!(padding, (plan.itemsize() - values) * structs.len());
        }
        Ok(())
    });
}

#[test]
fn packed_and_skipped_fields_are_written() {
    let packed = Packed { a: -1, b: 2, c: 1.5 };
    let bytes = Plan::new(&Packed::layout().unwrap()).unwrap().encode_records(&[packed]).unwrap();
    assert_eq!(bytes, [&[0xff][..], &2_i32.to_ne_bytes(), &1.5_f64.to_ne_bytes()].concat());
    let half = HalfPacked { a: 1, b: -2, c: 3 };
    let bytes = plan("T{>i:b:B:c:b:a:}").encode_records(&[half]).unwrap();
    assert_eq!(bytes, [0xff, 0xff, 0xff, 0xfe, 3, 1]);
    let skipping = Skipping { a: 1, b: 2, c: 3, d: Some("not written".into()) };
    let plan = Plan::new(&Skipping::layout().unwrap()).unwrap();
    let mut bytes = vec![9; plan.itemsize()];
    plan.write_records(&[skipping], &mut bytes).unwrap();
    assert_eq!((bytes[0], bytes.iter().filter(|byte| **byte == 9).count()), (1, plan.itemsize() - 2));
}

/// `usize` and `isize` read the integers of their width, for each format character of this width.
#[test]
fn usize_and_isize_read_integers_of_their_width() {
    #[derive(Record, Debug, PartialEq)]
    struct Sizes {
        a: usize,
        b: isize,
    }
    let record = Sizes { a: 5, b: -2 };
    for format in [Sizes::FORMAT, "T{@N:a:n:b:}", "T{@P:a:n:b:}"] {
        let layout = pep3118::Layout::read(format.as_bytes(), &pep3118::Dialect::PEP3118, &DataModel::HOST).unwrap();
        let plan = Plan::new(&layout).unwrap();
        let bytes = plan.encode_records(core::slice::from_ref(&record)).unwrap();
        assert_eq!(bytes, [5_usize.to_ne_bytes(), (-2_isize).to_ne_bytes()].concat(), "{format}");
        assert_eq!(plan.read_records::<Sizes>(&bytes).unwrap(), core::slice::from_ref(&record));
    }
    assert!(Sizes::matches(&layout("T{<h:a:<h:b:}")).is_err());
}

#[test]
fn no_record_is_written_if_one_does_not_fit() {
    let plan = plan("T{>i:b:b:a:}");
    let mut bytes = [7; 9];
    let error = plan.write_records(&[Small { a: 1, b: 2 }; 2], &mut bytes).unwrap_err();
    assert_eq!(error.to_string(), "the destination holds 9 bytes but 10 are needed");
    let error = plan.write_records(&[FieldByField { a: 1, b: 2, c: [0.0; 2], d: 0 }], &mut bytes[..5]).unwrap_err();
    assert!(matches!(error, RecordError::Mismatch(_)), "{error}");
    assert_eq!(bytes, [7; 9]);
}

#[test]
fn records_are_written_in_the_order_of_the_view() {
    let raw = RawView {
        len: 10,
        itemsize: 5,
        ndim: 1,
        format: Some(b"T{>i:b:b:a:}"),
        shape: Some(&[2]),
        strides: Some(&[6]),
        ..RawView::default()
    };
    let view = raw.check(Request::FULL, None, None).into_result().unwrap();
    let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
    let mut bytes = [9; 11];
    let mut buffer = BufferMut::new(&view, &plan, &mut bytes).unwrap();
    buffer.write_records(&[Small { a: 1, b: 2 }, Small { a: 3, b: 4 }]).unwrap();
    let error = buffer.write_records(&[Small { a: 1, b: 2 }]).unwrap_err();
    assert_eq!(error.to_string(), "1 value for 2 items");
    drop(buffer);
    assert_eq!(bytes, [0, 0, 0, 2, 1, 9, 0, 0, 0, 4, 3]);
}

/// `read_into` appends records to a vector. If `read_into` fails, the vector is unchanged.
#[test]
fn records_are_appended_to_a_vector() {
    #[derive(Record, Debug, PartialEq)]
    struct Letter(char);
    let plan = plan("<w");
    let records = plan.records::<Letter>().unwrap();
    let mut letters = vec![Letter('a')];
    records.read_into(b"b\0\0\0c\0\0\0", &mut letters).unwrap();
    let mut many = b"z\0\0\0".repeat(1000);
    many[999 * 4 + 1] = 0xd8;
    let error = records.read_into(&many, &mut letters).unwrap_err();
    assert_eq!(error.to_string(), "field `f0` of record 999 is 0xd87a, which is not a char");
    assert_eq!(letters, ['a', 'b', 'c'].map(Letter));
}

/// A struct whose bytes can be borrowed from an item.
#[derive(Record, bytemuck::Pod, bytemuck::Zeroable, Debug, Clone, Copy, PartialEq)]
#[repr(C)]
struct Pair {
    a: u16,
    b: u16,
}

#[test]
fn items_are_cast_to_structs() {
    let plan = Plan::new(&Pair::layout().unwrap()).unwrap();
    let pairs = [Pair { a: 1, b: 2 }, Pair { a: 3, b: 4 }];
    let mut words: Vec<u32> = bytemuck::pod_collect_to_vec(&pairs);
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    assert_eq!(plan.cast_records::<Pair>(bytes).unwrap(), pairs);
    plan.records::<Pair>().unwrap().cast_mut(bytes).unwrap()[1].b = 9;
    assert_eq!(plan.read_records::<Pair>(bytes).unwrap()[1], Pair { a: 3, b: 9 });
    assert_eq!(plan.cast_records::<Pair>(&[]).unwrap(), []);

    let refused = |format: &str, bytes: &[u8]| {
        let plan = Plan::new(&layout(format)).unwrap();
        match plan.cast_records::<Pair>(bytes).unwrap_err() {
            RecordError::NotInPlace(refused) => refused,
            other => panic!("{other}"),
        }
    };
    let (with_host_order, other) = if cfg!(target_endian = "little") { ("<", ">") } else { (">", "<") };
    let unaligned = plan.cast_records::<Pair>(&bytes[1..5]).unwrap_err();
    assert_eq!(unaligned, NotInPlace::Unaligned { past: 1, align: 2 }.into());
    assert_eq!(unaligned.to_string(), "the items start 1 byte past a multiple of 2, the alignment of the struct");
    let swapped = refused(&format!("T{{{with_host_order}H:a:{other}H:b:}}"), &bytes[..4]);
    assert_eq!(swapped.to_string(), "the value at byte 2 of an item is not in the byte order of this machine");
    let moved = refused(&format!("T{{{with_host_order}H:b:H:a:}}"), &bytes[..4]);
    assert_eq!(moved.to_string(), "the value at byte 2 of an item is at byte 0 of the struct");
    let wide = refused(&format!("T{{{with_host_order}H:a:H:b:4x}}"), bytes);
    assert_eq!(wide.to_string(), "an item has 8 bytes but the struct has 4 bytes");

    /// A struct without `repr(C)`. The compiler chooses the order of its fields.
    #[derive(Record, bytemuck::AnyBitPattern, Debug, Clone, Copy)]
    struct Loose {
        _a: u16,
        _b: u16,
    }
    let loose = Plan::new(&Loose::layout().unwrap()).unwrap();
    let error = loose.cast_records::<Loose>(bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the struct has another layout than the items: it is not `repr(C)` throughout, or it skips a field"
    );
    let copied = Plan::new(&Copied::layout().unwrap()).unwrap();
    assert!(copied.cast_records::<Copied>(&[0; 3]).is_err());
}
