//! Tests of `BufferMut::split_at` and `BufferMut::chunks`.

use pep3118::decode::{BufferMut, EncodeErrorKind, Plan};
use pep3118::{Block, DataModel, RawView, Request};

#[test]
fn parts_of_a_writable_buffer_write_only_their_items() {
    // The rows of an array in Fortran order have alternating items in memory.
    let cases: [(&[i64], &[i64]); 5] =
        [(&[4, 3], &[6, 2]), (&[4, 3], &[2, 8]), (&[4, 3], &[-6, 2]), (&[4, 1], &[6, 0]), (&[4], &[4])];
    for (shape, strides) in cases {
        let items: i64 = shape.iter().product();
        let low: i64 = shape.iter().zip(strides).map(|(length, stride)| (stride * (length - 1)).min(0)).sum();
        let memory = Block { offset: -low, len: 64 };
        let raw = RawView {
            len: items * 2,
            itemsize: 2,
            ndim: shape.len() as i32,
            format: Some(b"<h"),
            shape: Some(shape),
            strides: Some(strides),
            ..RawView::default()
        };
        let view = raw.check(Request::FULL, None, Some(memory)).into_result().unwrap();
        let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
        let values: Vec<i16> = (1..=items as i16).collect();
        let width = values.len() / 4;
        let mut expected = [0x55; 64];
        BufferMut::new(&view, &plan, &mut expected).unwrap().copy_from_slice(&values).unwrap();

        for index in 0..=4 {
            let mut bytes = [0x55; 64];
            {
                let mut buffer = BufferMut::new(&view, &plan, &mut bytes).unwrap();
                let (mut low, mut high) = buffer.split_at(index).unwrap();
                std::thread::scope(|scope| {
                    let (first, rest) = values.split_at(width * index as usize);
                    scope.spawn(move || high.copy_from_slice(rest).unwrap());
                    low.copy_from_slice(first).unwrap();
                });
            }
            assert_eq!(bytes, expected, "{shape:?} {strides:?} {index}");
        }
        for len in 1..=5 {
            let mut bytes = [0x55; 64];
            {
                let mut buffer = BufferMut::new(&view, &plan, &mut bytes).unwrap();
                let chunks = buffer.chunks(len).unwrap();
                let parts: Vec<BufferMut<'_>> = chunks.map(Result::unwrap).collect();
                std::thread::scope(|scope| {
                    for (mut part, values) in parts.into_iter().zip(values.chunks(width * len as usize)) {
                        scope.spawn(move || part.copy_from_slice(values).unwrap());
                    }
                });
            }
            assert_eq!(bytes, expected, "{shape:?} {strides:?} {len}");
        }
    }
}

#[test]
fn a_writable_buffer_whose_items_can_share_bytes_is_not_split() {
    for strides in [[1, 1], [0, 1], [1, 0]] {
        let raw = RawView {
            len: 4,
            itemsize: 1,
            ndim: 2,
            format: Some(b"B"),
            shape: Some(&[2, 2]),
            strides: Some(&strides),
            ..RawView::default()
        };
        let view = raw.check(Request::FULL, None, None).into_result().unwrap();
        let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
        let mut bytes = [0; 4];
        let mut buffer = BufferMut::new(&view, &plan, &mut bytes).unwrap();
        assert!(matches!(buffer.split_at(1).unwrap_err().kind(), EncodeErrorKind::SharedBytes), "{strides:?}");
        assert!(buffer.chunks(1).is_err(), "{strides:?}");
        assert!(buffer.split_at(3).is_err() && buffer.chunks(0).is_err());
    }
}
