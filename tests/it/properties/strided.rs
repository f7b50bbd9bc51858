//! Properties that compare the values and columns of strided memory with the reference decoder.
#![allow(unsafe_code, reason = "the tests decode memory at a raw pointer")]

use arbitrary::{Arbitrary, Result, Unstructured};
use pep3118::arbitrary::StridedBuffer;
use pep3118::decode::{Buffer, Column, Plan, Value};
use pep3118::{Block, Checked, DataModel, Dialect, Layout, Order, RawView, Request, View};

use crate::reference_decoder::{column_bytes, describe_value, leaf_bytes, read};

/// Returns the view of items in a block of `len` bytes. The view has no format. The item with all indices 0 is at byte
/// `offset` of the block. `strides` and `itemsize` are in bytes. Panics if an item is outside of the block.
pub fn view<'a>(shape: &'a [i64], strides: &'a [i64], itemsize: i64, len: i64, offset: i64) -> View<'a> {
    let raw = RawView {
        len: shape.iter().product::<i64>() * itemsize,
        itemsize,
        ndim: i32::try_from(shape.len()).unwrap(),
        shape: Some(shape),
        strides: Some(strides),
        ..RawView::default()
    };
    let Checked { report, view } = raw.check(Request::STRIDES, None, Some(Block { len, offset }));
    view.unwrap_or_else(|| panic!("{shape:?} {strides:?} of {itemsize}: {report}"))
}

/// Returns the bytes of each item in C order. The item with all indices 0 is at byte `origin` of `memory`. `strides`
/// and `itemsize` are in bytes.
pub fn items_one_by_one(memory: &[u8], origin: i64, shape: &[i64], strides: &[i64], itemsize: usize) -> Vec<Vec<u8>> {
    match (shape.split_first(), strides.split_first()) {
        (Some((length, shape)), Some((stride, strides))) => (0..*length)
            .flat_map(|index| items_one_by_one(memory, origin + index * stride, shape, strides, itemsize))
            .collect(),
        _ => {
            let start = usize::try_from(origin).unwrap();
            vec![memory[start..start + itemsize].to_vec()]
        }
    }
}

/// Asserts that `plan` and the reference decoder return the same value for the bytes `item`, and that the value is
/// unchanged after encoding and decoding. `format` is the format of `layout`, for messages.
pub fn agree(format: &str, layout: &Layout, plan: &Plan, item: &[u8]) {
    let value = plan.value(item).unwrap();
    let field = layout.item();
    let expected = read(field, item);
    assert_eq!(describe_value(&value, field), expected, "{format} on {}", layout.model());
    let mut written = item.to_vec();
    plan.encode(&value, &mut written).unwrap_or_else(|error| panic!("{format}: {error}"));
    assert_eq!(describe_value(&plan.value(&written).unwrap(), field), expected, "{format}");
}

/// Asserts that `columns` have the names and the bytes that the reference decoder reads from `items`. Ignores columns
/// without bytes. `format` is the format of `layout`, for messages.
pub fn columns_agree(format: &str, layout: &Layout, columns: &[Column], items: &[Vec<u8>]) {
    let mut slow: Vec<(String, Vec<u8>)> = Vec::new();
    for item in items {
        for (at, (name, bytes)) in leaf_bytes(layout.item(), item).into_iter().enumerate() {
            match slow.get_mut(at) {
                Some(column) => column.1.extend(bytes),
                None => slow.push((name, bytes)),
            }
        }
    }
    // The reference decoder ignores arrays without elements. Their columns have no bytes.
    let fast: Vec<(String, Vec<u8>)> = columns
        .iter()
        .map(|column| (column.name.escape_ascii().to_string(), column_bytes(&column.data)))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    slow.retain(|(_, bytes)| !bytes.is_empty());
    assert_eq!(fast, slow, "{format} on {}", layout.model());
    for column in columns {
        assert_eq!(column.data.len(), column.shape.iter().product::<usize>() * items.len());
    }
}

/// Compares the parts of `buffer`, which has `rows` indices in the first dimension, with the whole buffer.
pub fn parts_agree(buffer: &Buffer<'_>, rows: i64) {
    let whole = buffer.to_contiguous(Order::C).unwrap();
    for len in [1, 2, 3, 7, rows - 1, rows, rows + 1].into_iter().filter(|len| *len > 0 && rows / *len <= 50) {
        chunks_agree(buffer, &whole, rows, len);
    }
    for index in [0, 1, rows / 2, rows].into_iter().filter(|index| *index <= rows) {
        split_agrees(buffer, &whole, rows, index);
    }
}

/// Asserts that the chunks of `len` rows of `buffer` have the bytes `whole`. `buffer` has `rows` indices in the first
/// dimension.
fn chunks_agree(buffer: &Buffer<'_>, whole: &[u8], rows: i64, len: i64) {
    let parts: Vec<Buffer<'_>> = buffer.chunks(len).unwrap().collect();
    assert_eq!(parts.len() as i64, (rows + len - 1) / len);
    let bytes = parts.iter().flat_map(|part| part.to_contiguous(Order::C).unwrap());
    assert!(bytes.eq(whole.iter().copied()), "{rows} rows in parts of {len}");
}

/// Asserts that the parts of `buffer` before and after the row `index` have the bytes `whole`. `buffer` has `rows` indices
/// in the first dimension.
fn split_agrees(buffer: &Buffer<'_>, whole: &[u8], rows: i64, index: i64) {
    let (low, high) = buffer.split_at(index).unwrap();
    // A part has parts too.
    let (middle, last) = high.split_at((rows - index) / 2).unwrap();
    let parts = [low, middle, last].map(|part| part.to_contiguous(Order::C).unwrap());
    assert!(parts.concat() == whole, "{rows} rows, split at {index}");
}

/// Returns the bytes of each of `columns`, because a NaN in a column is not equal to itself.
fn bits(columns: &[Column]) -> Vec<Vec<u8>> {
    columns.iter().map(|column| column_bytes(&column.data)).collect()
}

/// For a random layout, shape and strides, compares the values, columns and contiguous copies with the reference decoder.
/// The memory is owned or foreign. Compares the bytes of all items, and the value of one item, because
/// the reference decoder takes about a hundred times as long as the library. Returns `false` if an item has 0 bytes.
pub fn decode_strided(bytes: &mut Unstructured<'_>) -> Result<bool> {
    let random = StridedBuffer::arbitrary(bytes)?;
    let (format, layout, memory) = (random.format(), random.layout(), random.memory());
    let plan = Plan::new(layout).unwrap();
    let raw = random.raw();
    let Checked { report, view } = raw.check(Request::STRIDES, None, Some(random.block()));
    let view = view.unwrap_or_else(|| panic!("{random:?}: {report}"));
    let origin = random.block().offset;
    let items =
        items_one_by_one(memory, origin, random.shape(), random.strides(), usize::try_from(layout.size()).unwrap());
    assert_eq!(random.items(Order::C), items);
    // The index of the item whose value is compared. `None` if there are no items.
    let sample = if items.is_empty() { None } else { Some(bytes.choose_index(items.len())?) };
    if let Some(at) = sample {
        agree(format, layout, &plan, &items[at]);
    }

    let buffer = if bytes.arbitrary()? {
        Buffer::new(&view, &plan, memory)
    } else {
        // SAFETY: (a) The view was validated for this block. (b) The view has no suboffsets. (c) No thread writes to
        // `memory`.
        unsafe { Buffer::from_ptr(&view, &plan, memory.as_ptr().wrapping_offset(origin as isize)) }
    };
    let buffer = buffer.unwrap();
    if let Some(rows) = random.shape().first() {
        let whole = items.concat();
        chunks_agree(&buffer, &whole, *rows, bytes.int_in_range(1..=*rows + 1)?);
        split_agrees(&buffer, &whole, *rows, bytes.int_in_range(0..=*rows)?);
    }
    let values: Vec<Value> = buffer.values().map(std::result::Result::unwrap).collect();
    assert_eq!(values.len(), items.len());
    if let Some(at) = sample {
        // `agree` has compared the value of these bytes with the reference decoder. The text of a NaN equals itself.
        assert_eq!(format!("{:?}", values[at]), format!("{:?}", plan.value(&items[at]).unwrap()), "{format}");
    }
    if layout.size() > 0 {
        let columns = buffer.columns(None).unwrap();
        for column in &columns {
            assert_eq!(column.data.len(), column.shape.iter().product::<usize>() * items.len(), "{format}");
        }
        // The columns of contiguous items are the columns of the view.
        let contiguous = plan.columns(&items.concat(), None).unwrap();
        assert_eq!(bits(&columns), bits(&contiguous), "{format}");
        if let Some(at) = sample {
            let item = &items[at..=at];
            columns_agree(format, layout, &plan.columns(&item[0], None).unwrap(), item);
        }
    }
    assert_eq!(buffer.to_contiguous(Order::C).unwrap(), items.concat(), "{random:?}");
    assert_eq!(buffer.to_contiguous(Order::Fortran).unwrap(), random.items(Order::Fortran).concat(), "{random:?}");
    Ok(layout.size() > 0)
}

/// Asserts for every data model that the library and the reference decoder return the same value for an item of the
/// format `source`. The item is at the start of `bytes`. Skips a data model if the format is refused or `bytes` is too
/// short.
pub fn decode_item(source: &[u8], bytes: &[u8]) {
    for model in DataModel::ALL {
        let Ok(layout) = Layout::read(source, &Dialect::PEP3118, &model) else { continue };
        let Ok(plan) = Plan::new(&layout) else { continue };
        let Some(item) = bytes.get(..plan.itemsize()) else { continue };
        agree(&source.escape_ascii().to_string(), &layout, &plan, item);
    }
}
