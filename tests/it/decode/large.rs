//! Tests of copies for which the library has separate loops: large copies, transposed arrays, and rows that pointers
//! lead to. Large copies bypass the caches. Transposed arrays are copied in tiles. A *line* consists of the items along
//! one dimension. A *tile* is a small rectangle of an array.

use std::cell::Cell;

use pep3118::decode::{Buffer, DecodeError, Plan};
use pep3118::{Order, RawView, Request, Slice, View};

use super::{items_one_by_one, plan, view};
use crate::properties::strided::parts_agree;
use crate::property_search::search_until;

/// The minimum length in bytes of a copy that bypasses the caches.
const LARGE: usize = 1 << 24;

/// Returns `len` pseudo-random bytes, the same bytes in each call.
fn noise(len: usize) -> Vec<u8> {
    // The bytes repeat after a prime number, because computing all bytes is slow without optimization.
    let some: Vec<u8> = (0..65_521_usize).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
    let mut noise = some.repeat(len / some.len() + 1);
    noise.truncate(len);
    noise
}

/// Returns two buffers of the items of `view`, which start at byte `origin` of `memory`. The first buffer reads a
/// slice, and the second buffer reads through a pointer.
fn both<'b>(view: &'b View<'b>, plan: &'b Plan, memory: &'b [u8], origin: usize) -> [Buffer<'b>; 2] {
    // SAFETY: (a) The view was validated for this block. (b) The view has no suboffsets. (c) Nothing writes to the
    // block.
    let foreign = unsafe { Buffer::from_ptr(view, plan, memory[origin..].as_ptr()) }.unwrap();
    [Buffer::new(view, plan, memory).unwrap(), foreign]
}

/// The lines are native or swapped, ascending or descending, just smaller or just larger than `LARGE`. The destinations
/// have every alignment.
#[test]
fn large_lines_are_copied_as_by_a_simple_loop() {
    macro_rules! lines {
        ($element:ty, $little:literal, $big:literal, $width:literal, $lengths:expr) => {
            for (format, big) in [($little, false), ($big, true)] {
                let plan = plan(format);
                for items in $lengths {
                    let stride = 2 * $width + 1;
                    let memory = noise(items * stride);
                    for stride in [stride as i64, -(stride as i64)] {
                        let origin = if stride < 0 { (items as i64 - 1) * -stride } else { 0 };
                        let (shape, strides) = ([items as i64], [stride]);
                        let view = view(&shape, &strides, $width, memory.len() as i64, origin);
                        let expected = |index: usize| {
                            let at = (origin + index as i64 * stride) as usize;
                            let unit = memory[at..at + $width].try_into().unwrap();
                            if big { <$element>::from_be_bytes(unit) } else { <$element>::from_le_bytes(unit) }
                        };
                        for (skipped, buffer) in both(&view, &plan, &memory, origin as usize).into_iter().enumerate() {
                            let mut destination = vec![0; items + 2];
                            buffer.copy_to_slice(&mut destination[skipped..skipped + items], Order::C).unwrap();
                            // Compares all elements at both ends, because the cache lines at the ends are incomplete.
                            // In the middle, compares only some elements.
                            let copy = destination[skipped..skipped + items].iter().enumerate();
                            let mut some = copy.filter(|(at, _)| *at < 100 || *at > items - 100 || at % 13 == 0);
                            assert!(some.all(|(at, unit)| *unit == expected(at)), "{format} {items} {stride}");
                            assert!(destination[items + skipped..].iter().all(|unit| *unit == 0));
                        }
                    }
                }
            }
        };
    }
    lines!(u64, "=Q", "!Q", 8, [LARGE / 8 - 1, LARGE / 8 + 7]);
    lines!(u32, "=I", "!I", 4, [LARGE / 4 + 3]);
}

/// Some lines are long enough to bypass the caches one by one, and some lines are too short.
#[test]
fn large_planes_are_copied_as_by_a_simple_loop() {
    for columns in [300_usize, 4096] {
        let rows = LARGE / (columns * 8) + 1;
        let memory = noise(rows * columns * 16);
        for format in ["<d", ">d", ">Zf"] {
            let plan = plan(format);
            let (shape, strides) = ([rows as i64, columns as i64], [columns as i64 * 16, 16]);
            let view = view(&shape, &strides, 8, memory.len() as i64, 0);
            let expected: Vec<u8> = memory.chunks_exact(16).flat_map(|pair| &pair[..8]).copied().collect();
            for buffer in both(&view, &plan, &memory, 0) {
                assert!(buffer.to_contiguous(Order::C).unwrap() == expected, "{columns} {format}");
                if format == ">d" {
                    let swapped = expected.as_chunks::<8>().0.iter().map(|unit| f64::from_be_bytes(*unit).to_bits());
                    let copy = buffer.to_vec::<f64>(Order::C).unwrap();
                    assert!(copy.iter().map(|value| value.to_bits()).eq(swapped));
                }
            }
        }
    }
}

/// The tiles have every width, and some tiles are incomplete. The copies are small and large.
#[test]
fn transposed_arrays_are_copied_as_by_a_simple_loop() {
    for (format, width) in [("B", 1), ("=H", 2), ("=I", 4), ("=d", 8), ("=Zd", 16), ("3s", 3), ("T{=i:a:=d:b:}", 12)] {
        let plan = plan(format);
        let large = (LARGE as f64 / width as f64).sqrt() as usize;
        for (rows, columns) in [(1, 1), (2, 3), (63, 65), (64, 64), (200, 7), (7, 200), (large, large + 9)] {
            // Millions of small items take long without optimization, and all stores that bypass the caches have the
            // same width.
            if rows == large && width < 8 {
                continue;
            }
            let memory = noise(rows * columns * width);
            let (item, size) = (width as i64, memory.len() as i64);
            let row = columns as i64 * item;
            let shape = [columns as i64, rows as i64];
            // The lines are read forwards and backwards.
            for (strides, origin) in [([item, row], 0), ([-item, row], row - item)] {
                if rows == large && (origin == 0) == (width == 8) {
                    continue;
                }
                let view = view(&shape, &strides, item, size, origin);
                for buffer in both(&view, &plan, &memory, origin as usize) {
                    let copy = buffer.to_contiguous(Order::C).unwrap();
                    assert_eq!(copy.len(), memory.len());
                    for (index, line) in copy.chunks_exact(rows * width).enumerate() {
                        let column = if origin == 0 { index } else { columns - 1 - index };
                        let whole = line.chunks_exact(width).enumerate().all(|(at, item)| {
                            let start = (at * columns + column) * width;
                            item == &memory[start..start + width]
                        });
                        assert!(whole, "{format} {rows} {columns} {strides:?}: column {index}");
                    }
                }
            }
        }
    }
}

/// The items consist of one or two swapped units. One copy is smaller than `LARGE`, and one is
/// larger.
#[test]
fn transposed_arrays_are_swapped_as_by_a_simple_loop() {
    let memory = noise(LARGE + (1 << 20));
    for (rows, columns) in [(70_usize, 130_usize), (1449, 1448)] {
        let (shape, strides) = ([columns as i64, rows as i64], [8, columns as i64 * 8]);
        let view = view(&shape, &strides, 8, memory.len() as i64, 0);
        let numbers = plan(">d");
        let pairs = plan(">Zf");
        let expected = |at: usize| {
            let start = (at % rows * columns + at / rows) * 8;
            u64::from_be_bytes(memory[start..start + 8].try_into().unwrap())
        };
        for (number, pair) in both(&view, &numbers, &memory, 0).iter().zip(&both(&view, &pairs, &memory, 0)) {
            let copy = number.to_vec::<f64>(Order::C).unwrap();
            assert!(copy.iter().enumerate().all(|(at, value)| value.to_bits() == expected(at)), "{rows} {columns}");
            let copy = pair.to_vec::<num_complex::Complex<f32>>(Order::C).unwrap();
            let bits =
                |value: &num_complex::Complex<f32>| u64::from(value.re.to_bits()) << 32 | u64::from(value.im.to_bits());
            assert!(copy.iter().enumerate().all(|(at, value)| bits(value) == expected(at)), "{rows} {columns}");
        }
    }
}

/// The arrays have up to 140 items in each dimension, and their axes are in random order.
#[test]
fn random_arrays_are_copied_in_every_order_of_axes() {
    let checked = Cell::new(0_u32);
    search_until(
        4_000,
        || checked.get() > 30,
        |bytes| {
            let (format, itemsize) =
                *bytes.choose(&[("B", 1), (">H", 2), ("<I", 4), (">d", 8), ("3s", 3), ("<Zd", 16), (">Zd", 16)])?;
            let plan = plan(format);
            let mut lengths = [0_i64; 3];
            for length in &mut lengths {
                let most = if bytes.ratio(1, 2)? { 4 } else { 140 };
                *length = bytes.int_in_range(1..=most)?;
            }
            if lengths.iter().product::<i64>() > 40_000 {
                lengths[0] = 1;
            }
            // The memory is in C order with unused bytes. The axes of the view are in another order, and some are
            // descending.
            let last = if bytes.ratio(1, 3)? { bytes.int_in_range(itemsize..=2 * itemsize)? } else { itemsize };
            let middle = last * lengths[2] + bytes.int_in_range(0..=2)?;
            let first = middle * lengths[1] + bytes.int_in_range(0..=2)?;
            let mut axes = [(lengths[0], first), (lengths[1], middle), (lengths[2], last)];
            let len = (first * lengths[0] + itemsize) as usize;
            let mut origin = 0;
            for (length, stride) in &mut axes {
                if bytes.ratio(1, 4)? {
                    origin += (*length - 1) * *stride;
                    *stride = -*stride;
                } else if bytes.ratio(1, 12)? {
                    *stride = 0;
                }
            }
            for at in (1..3).rev() {
                axes.swap(at, bytes.int_in_range(0..=at)?);
            }
            let (shape, strides) = (axes.map(|axis| axis.0), axes.map(|axis| axis.1));
            let memory = noise(len);
            let view = view(&shape, &strides, itemsize, len as i64, origin);
            let size = itemsize as usize;
            let items = items_one_by_one(&memory, origin, &shape, &strides, size).concat();
            let (back, back_strides) = ([shape[2], shape[1], shape[0]], [strides[2], strides[1], strides[0]]);
            let fortran = items_one_by_one(&memory, origin, &back, &back_strides, size).concat();
            for buffer in both(&view, &plan, &memory, origin as usize) {
                assert!(buffer.to_contiguous(Order::C).unwrap() == items, "{format} {shape:?} {strides:?}");
                assert!(buffer.to_contiguous(Order::Fortran).unwrap() == fortran, "{format} {shape:?} {strides:?}");
                if format == ">d" {
                    let numbers = |items: &[u8]| -> Vec<u64> {
                        items.as_chunks::<8>().0.iter().map(|unit| u64::from_be_bytes(*unit)).collect()
                    };
                    for (order, items) in [(Order::C, &items), (Order::Fortran, &fortran)] {
                        let copy: Vec<u64> =
                            buffer.to_vec::<f64>(order).unwrap().iter().map(|value| value.to_bits()).collect();
                        assert!(copy == numbers(items), "{order:?} {shape:?} {strides:?}");
                    }
                }
            }
            checked.set(checked.get() + 1);
            Ok(())
        },
    );
}

/// Returns a view with the suboffsets `suboffsets` and without a format. `strides` and `itemsize` are in bytes.
fn indirect<'a>(shape: &'a [i64], strides: &'a [i64], suboffsets: &'a [i64], itemsize: i64) -> View<'a> {
    let raw = RawView {
        len: shape.iter().product::<i64>() * itemsize,
        itemsize,
        ndim: shape.len() as i32,
        shape: Some(shape),
        strides: Some(strides),
        suboffsets: Some(suboffsets),
        ..RawView::default()
    };
    raw.check(Request::INDIRECT, None, None).into_result().unwrap()
}

/// The size of a pointer in bytes.
const POINTER: i64 = size_of::<*const u8>() as i64;

/// The rows have every length and stride. Each row starts a few bytes after the target of its pointer.
#[test]
fn indirect_rows_are_copied_as_by_a_simple_loop() {
    let memory = noise(1 << 16);
    for (format, size) in
        [("B", 1_usize), (">H", 2), ("<H", 2), ("3s", 3), (">I", 4), ("<d", 8), (">d", 8), ("<Zd", 16)]
    {
        let plan = plan(format);
        for items in (1..20).chain([32, 64, 100]) {
            for stride in [size as i64, size as i64 + 1, 2 * size as i64, -(size as i64), 0] {
                let reach = (items as i64 - 1) * stride;
                let behind = 3 + if reach < 0 { -reach } else { 0 };
                // The pointers are in no order, and some rows occur twice.
                let starts: Vec<usize> = (0..37).map(|row| row * 7919 % 40_000).collect();
                let table: Vec<*const u8> = starts.iter().map(|start| memory[*start..].as_ptr()).collect();
                let (shape, strides, suboffsets) = ([37, items as i64], [POINTER, stride], [behind, -1]);
                let view = indirect(&shape, &strides, &suboffsets, size as i64);
                // SAFETY: (a) This requirement is for views without suboffsets. (b) The table has 37 pointers to
                // `memory`, and all items of each row are inside `memory`. (c) Nothing writes to the table or to
                // `memory`.
                let buffer = unsafe { Buffer::from_ptr(&view, &plan, table.as_ptr().cast()) }.unwrap();
                let item = |row: usize, item: usize| {
                    let at = (starts[row] as i64 + behind + item as i64 * stride) as usize;
                    &memory[at..at + size]
                };
                let c: Vec<u8> =
                    (0..37).flat_map(|row| (0..items).flat_map(move |at| item(row, at))).copied().collect();
                let fortran: Vec<u8> =
                    (0..items).flat_map(|at| (0..37).flat_map(move |row| item(row, at))).copied().collect();
                assert!(buffer.to_contiguous(Order::C).unwrap() == c, "{format} {items} {stride}");
                if items % 5 == 1 {
                    parts_agree(&buffer, 37);
                }
                assert!(buffer.to_contiguous(Order::Fortran).unwrap() == fortran, "{format} {items} {stride}");
                if format == ">d" {
                    let copy: Vec<u8> =
                        buffer.to_vec::<f64>(Order::C).unwrap().iter().flat_map(|value| value.to_be_bytes()).collect();
                    assert!(copy == c, "{items} {stride}");
                }
            }
        }
    }
}

/// The arrays have more rows than the library swaps at once, a pointer for every item, and tables in both directions.
#[test]
fn many_indirect_rows_are_copied_as_by_a_simple_loop() {
    let memory = noise(1 << 17);
    let plan = plan(">I");
    for (rows, items) in [(20_000_usize, 1_usize), (5000, 3), (9, 4096), (9, 5000)] {
        let starts: Vec<usize> = (0..rows).map(|row| row * 13 % 80_000).collect();
        let table: Vec<*const u8> = starts.iter().map(|start| memory[*start..].as_ptr()).collect();
        for backwards in [false, true] {
            let (shape, suboffsets) = ([rows as i64, items as i64], [1, -1]);
            let strides = [if backwards { -POINTER } else { POINTER }, 4];
            let view = indirect(&shape, &strides, &suboffsets, 4);
            let first = if backwards { &table[rows - 1] } else { &table[0] };
            // SAFETY: (a) This requirement is for views without suboffsets. (b) The table has one pointer for each row,
            // before or after `first`, and all items of each row are inside `memory`. (c) Nothing writes to the table
            // or to `memory`.
            let buffer = unsafe { Buffer::from_ptr(&view, &plan, core::ptr::from_ref(first).cast()) }.unwrap();
            let row = |index: usize| if backwards { rows - 1 - index } else { index };
            let expected: Vec<u32> = (0..rows)
                .flat_map(|index| memory[starts[row(index)] + 1..][..items * 4].as_chunks::<4>().0)
                .map(|unit| u32::from_be_bytes(*unit))
                .collect();
            assert!(buffer.to_vec::<u32>(Order::C).unwrap() == expected, "{rows} {items} {backwards}");
            parts_agree(&buffer, rows as i64);
            // With a pointer for every item, the same table is also a view of one dimension.
            if items == 1 {
                let view = indirect(&shape[..1], &strides[..1], &suboffsets[..1], 4);
                // SAFETY: (b) The buffer above has the same table and rows. (c) Nothing writes to the table or to the
                // rows.
                let buffer = unsafe { Buffer::from_ptr(&view, &plan, core::ptr::from_ref(first).cast()) }.unwrap();
                assert!(buffer.to_vec::<u32>(Order::C).unwrap() == expected);
            }
        }
    }
}

/// The error for a NULL pointer in any row names the dimension of the pointer.
#[test]
fn a_null_pointer_is_an_error_with_its_dimension() {
    let memory = noise(64);
    let plan = plan("<d");
    for items in [1_i64, 4, 7] {
        for null in [0, 1, 9] {
            let mut table = [memory.as_ptr(); 10];
            table[null] = core::ptr::null();
            let tables = [table.as_ptr().cast::<u8>(); 2];
            let (shape, strides, suboffsets) = ([10, items], [POINTER, 8], [0, -1]);
            let view = indirect(&shape, &strides, &suboffsets, 8);
            // SAFETY: (b) The table has ten pointers. One pointer is NULL, and the library detects this pointer. (c)
            // Nothing writes to the table.
            let buffer = unsafe { Buffer::from_ptr(&view, &plan, table.as_ptr().cast()) }.unwrap();
            assert_eq!(buffer.to_contiguous(Order::C), Err(DecodeError::NullPointer { dimension: 0 }));
            let (shape, strides, suboffsets) = ([2, 10, items], [POINTER, POINTER, 8], [0, 0, -1]);
            let view = indirect(&shape, &strides, &suboffsets, 8);
            // SAFETY: (b) Both pointers refer to the table above. (c) Nothing writes to the tables.
            let buffer = unsafe { Buffer::from_ptr(&view, &plan, tables.as_ptr().cast()) }.unwrap();
            assert_eq!(buffer.to_contiguous(Order::C), Err(DecodeError::NullPointer { dimension: 1 }));
        }
    }
}

/// A descending slice of an empty view does not make a suboffset negative, and the library follows no pointer.
#[test]
fn empty_indirect_views_are_sliced() {
    let backwards = Slice { step: -1, ..Slice::FULL };
    for shape in [[0, 3], [2, 0]] {
        let (strides, suboffsets) = ([POINTER, -8], [0, -1]);
        let view = indirect(&shape, &strides, &suboffsets, 8);
        for slices in [[Slice::FULL, backwards], [backwards, backwards], [Slice::from(0..1), Slice::from(1..3)]] {
            let slice = view.slice(&slices).unwrap();
            assert!(slice.is_empty());
            let plan = plan("<d");
            // SAFETY: (b) The view has no items, so the library follows no pointer.
            let buffer = unsafe { Buffer::from_ptr(&slice, &plan, std::ptr::null()) }.unwrap();
            assert!(buffer.to_vec::<f64>(Order::C).unwrap().is_empty());
            assert!(buffer.columns(None).unwrap()[0].data.is_empty());
        }
    }
    // A slice that selects no row is empty. A slice that selects a row is not empty.
    let view = indirect(&[2, 3], &[POINTER, -8], &[0, -1], 8);
    assert!(view.slice(&[Slice::from(0..0), Slice::from(1..3)]).unwrap().is_empty());
    assert!(view.slice(&[Slice::FULL, Slice::from(1..3)]).is_err());
}
