//! Tests of feature `ndarray`: arrays from buffers, and views of columns.
#![allow(unsafe_code, reason = "suboffsets are read through pointers")]

use half::f16;
use ndarray::{ArrayD, IxDyn, array};
use num_complex::Complex;
use pep3118::decode::{Buffer, ColumnData, DecodeError, LongDouble, Plan};
use pep3118::{DataModel, Dialect, Layout, RawView, Request};

use crate::properties::strided::view;

/// Returns the plan for items of `format` in the dialect PEP 3118 on lp64.
fn plan(format: &str) -> Plan {
    Plan::new(&Layout::read(format.as_bytes(), &Dialect::PEP3118, &DataModel::LP64).unwrap()).unwrap()
}

/// The arrays are contiguous, transposed, reversed, broadcast, scalar and empty, in both byte orders.
#[test]
fn arrays_of_any_strides_are_copied_in_c_order() {
    let numbers: Vec<i32> = (0..24).map(|number| number * -7).collect();
    for (format, bytes) in [
        ("<i", numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>()),
        (">i", numbers.iter().flat_map(|number| number.to_be_bytes()).collect()),
    ] {
        let plan = plan(format);
        for (shape, strides, offset) in [
            (&[4, 6][..], &[24, 4][..], 0),
            (&[6, 4], &[4, 24], 0),
            (&[2, 3, 4], &[48, 16, 4], 0),
            (&[4, 3, 2], &[4, 16, 48], 0),
            (&[4, 6], &[-24, -4], 92),
            (&[3, 5], &[0, 8], 4),
            (&[], &[], 20),
            (&[1], &[96], 0),
            (&[3, 0, 2], &[4, 4, 4], 0),
        ] {
            let view = view(shape, strides, 4, 96, offset);
            let array = Buffer::new(&view, &plan, &bytes).unwrap().to_array::<i32>().unwrap();
            let lengths: Vec<usize> = shape.iter().map(|length| usize::try_from(*length).unwrap()).collect();
            let expected = ArrayD::from_shape_fn(IxDyn(&lengths), |index| {
                let steps = (0..shape.len()).map(|axis| i64::try_from(index[axis]).unwrap() * strides[axis]);
                numbers[usize::try_from(offset + steps.sum::<i64>()).unwrap() / 4]
            });
            assert_eq!(array, expected, "{format} {shape:?} {strides:?}");
            assert!(array.is_standard_layout());
        }
    }
}

/// The array has the dimensions of the buffer, then the dimensions of the item, then the dimension of a value.
#[test]
fn the_shape_of_an_item_follows_the_shape_of_the_buffer() {
    /// Returns the shape of an array with `items` items of `format`, decoded to elements of type `T`.
    fn shape<T: pep3118::decode::Element>(format: &str, items: i64) -> Vec<usize> {
        let plan = plan(format);
        let itemsize = i64::try_from(plan.itemsize()).unwrap();
        let (shape, strides) = ([items], [itemsize]);
        let bytes = vec![0; usize::try_from(items * itemsize).unwrap()];
        let view = view(&shape, &strides, itemsize, items * itemsize, 0);
        let buffer = Buffer::new(&view, &plan, &bytes).unwrap();
        buffer.to_array::<T>().unwrap().shape().to_vec()
    }
    for items in [0, 2] {
        let rows = usize::try_from(items).unwrap();
        assert_eq!(shape::<i16>("(3,2)<h", items), [rows, 3, 2]);
        assert_eq!(shape::<u8>("5s", items), [rows, 5]);
        assert_eq!(shape::<u8>("(2)5s", items), [rows, 2, 5]);
        assert_eq!(shape::<u8>("4p", items), [rows, 4]);
        assert_eq!(shape::<u8>("c", items), [rows]);
        assert_eq!(shape::<u16>("<4u", items), [rows, 4]);
        assert_eq!(shape::<u32>("<3w", items), [rows, 3]);
        assert_eq!(shape::<u64>("@P", items), [rows]);
        assert_eq!(shape::<bool>("?", items), [rows]);
        assert_eq!(shape::<Complex<f32>>("<Zf", items), [rows]);
        assert_eq!(shape::<LongDouble>("@g", items), [rows]);
        assert_eq!(shape::<LongDouble>("(3)@Zg", items), [rows, 3, 2]);
    }
}

#[test]
fn halves_are_converted_to_f32_but_not_to_integers() {
    let halves: Vec<u8> = [0.5, -2.0].into_iter().flat_map(|half| f16::from_f32(half).to_be_bytes()).collect();
    let (view, plan) = (view(&[2], &[2], 2, 4, 0), plan(">e"));
    let buffer = Buffer::new(&view, &plan, &halves).unwrap();
    assert_eq!(buffer.to_array_as::<f32>().unwrap(), array![0.5, -2.0].into_dyn());
    let refused = buffer.to_array_as::<i32>().unwrap_err();
    assert_eq!(refused.to_string(), "items are float16 but int32 was requested");
}

#[test]
fn rows_at_pointers_become_an_array() {
    let rows: [[u16; 3]; 2] = [[1, 2, 3], [4, 5, 6]];
    let pointers = [rows[0].as_ptr(), rows[1].as_ptr()];
    let raw = RawView {
        len: 12,
        itemsize: 2,
        ndim: 2,
        format: Some(b"H"),
        shape: Some(&[2, 3]),
        strides: Some(&[size_of::<*const u16>() as i64, 2]),
        suboffsets: Some(&[0, -1]),
        ..RawView::default()
    };
    let view = raw.check(Request::FULL_RO, None, None).into_result().unwrap_or_else(|report| panic!("{report}"));
    let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
    // SAFETY: (b) The table and the rows live until the end of this function. (c) Nothing writes to the table or to the
    // rows.
    let buffer = unsafe { Buffer::from_ptr(&view, &plan, pointers.as_ptr().cast()) }.unwrap();
    assert_eq!(buffer.to_array::<u16>().unwrap(), array![[1, 2, 3], [4, 5, 6]].into_dyn());
}

/// A view of a column has the same address as the column.
#[test]
fn views_of_columns_are_not_copied() {
    let mut records = Vec::new();
    for number in 0..3_u8 {
        records.extend([number, b'a', b'b', 0, number, 0, number + 1, 1]);
    }
    let columns = plan("T{B:n:2s:s:(2)>H:h:?:t:}").columns(&records, None).unwrap();
    assert_eq!(columns[0].to_array_view::<u8>().unwrap(), array![0, 1, 2].into_dyn());
    assert_eq!(columns[1].to_array_view::<u8>().unwrap().shape(), [3, 2]);
    let numbers = columns[2].to_array_view::<u16>().unwrap();
    assert_eq!(numbers, array![[0, 1], [1, 2], [2, 3]].into_dyn());
    let ColumnData::UInt16(data) = &columns[2].data else { panic!() };
    assert_eq!(numbers.as_ptr(), data.as_ptr());
    assert_eq!(columns[3].to_array_view::<bool>().unwrap(), array![true, true, true].into_dyn());
    let refused = columns[0].to_array_view::<u16>().unwrap_err();
    assert_eq!(refused.to_string(), "items are uint8 but uint16 was requested");
    // The caller may change the shape of a column.
    let mut changed = columns[0].clone();
    changed.shape = vec![2];
    assert!(matches!(changed.to_array_view::<u8>(), Err(DecodeError::TooSmall { available: 3, needed: 4 })));
    for empty in plan("T{B:n:(0)i:z:}").columns(&[], None).unwrap() {
        let rows = empty.to_array_view::<u8>().map(|view| view.shape().to_vec());
        let rows = rows.or_else(|_| empty.to_array_view::<i32>().map(|view| view.shape().to_vec()));
        assert_eq!(rows.unwrap()[0], 0);
    }
}

#[test]
fn records_and_huge_empty_shapes_are_rejected() {
    let (view, records) = (view(&[1], &[6], 6, 6, 0), plan("T{<i:a:<h:b:}"));
    let error = Buffer::new(&view, &records, &[0; 6]).unwrap().to_array::<i32>().unwrap_err();
    assert_eq!(error.to_string(), "items are records of 2 fields: request records or columns instead of int32");
    let most = isize::MAX as i64;
    let (shape, strides) = ([0, most, 4], [1, 1, 1]);
    let raw = RawView { itemsize: 1, ndim: 3, shape: Some(&shape), strides: Some(&strides), ..RawView::default() };
    let bytes = plan("B");
    let view = raw.check(Request::STRIDES, None, None).into_result().unwrap_or_else(|report| panic!("{report}"));
    let error = Buffer::new(&view, &bytes, &[]).unwrap().to_array::<u8>().unwrap_err();
    let bytes = 4_u64.saturating_mul(most as u64);
    assert_eq!(error.to_string(), format!("there is no memory for {bytes} bytes"));
}
