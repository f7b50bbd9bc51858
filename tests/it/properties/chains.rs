//! Properties of chains of operations on a view. A list of addresses, which this module computes with a loop over every
//! index, predicts the items after each operation.

use arbitrary::{Arbitrary, Result, Unstructured};
use pep3118::arbitrary::{StridedBuffer, number};
use pep3118::decode::{Buffer, BufferMut, Plan};
use pep3118::{
    Checked, DataModel, Dialect, Field, Interpretation, ItemLayout, Layout, Order, RawView, Request, Slice, Step, View,
};

/// The largest number of operations in a chain.
const OPERATIONS: usize = 6;

/// The largest number of items after an operation.
const ITEMS: usize = 256;

/// The expected items of a view.
#[derive(Clone, Debug)]
struct Expected {
    shape: Vec<i64>,
    /// The address of each item in C order. The address of `buf` is 0.
    addresses: Vec<i64>,
    /// The size of an item in bytes.
    itemsize: i64,
}

impl Expected {
    /// Returns the items that a `Py_buffer` describes. `suboffsets` is empty if no dimension has a pointer.
    fn new(shape: &[i64], strides: &[i64], suboffsets: &[i64], itemsize: i64) -> Self {
        let mut addresses = vec![0_i64];
        for (dimension, (length, stride)) in shape.iter().zip(strides).enumerate() {
            let follow = |address: i64| match suboffsets.get(dimension) {
                Some(suboffset @ 0..) => pointer_at(address).wrapping_add(*suboffset),
                _ => address,
            };
            addresses = addresses
                .iter()
                .flat_map(|address| (0..*length).map(move |index| follow(address + index * stride)))
                .collect();
        }
        Self { shape: shape.to_vec(), addresses, itemsize }
    }

    /// Returns the items whose index in the dimension `axis` is in `indices`, in the order of `indices`.
    fn take(&self, axis: usize, indices: &[i64]) -> Self {
        let inner: usize = self.shape[axis + 1..].iter().map(|length| *length as usize).product();
        let length = self.shape[axis] as usize;
        let mut addresses = Vec::new();
        if length * inner > 0 {
            for rows in self.addresses.chunks(length * inner) {
                for index in indices {
                    addresses.extend(&rows[*index as usize * inner..][..inner]);
                }
            }
        }
        let mut shape = self.shape.clone();
        shape[axis] = indices.len() as i64;
        Self { shape, addresses, ..self.clone() }
    }

    /// Returns the items in an order in which dimension `i` is the old dimension `axes[i]`.
    fn transposed(&self, axes: &[usize]) -> Self {
        let shape: Vec<i64> = axes.iter().map(|axis| self.shape[*axis]).collect();
        let mut addresses = Vec::new();
        for at in 0..self.addresses.len() {
            // Converts the position `at` in the new order to indices of the old dimensions.
            let (mut rest, mut old) = (at, vec![0; axes.len()]);
            for (axis, length) in axes.iter().zip(&shape).rev() {
                old[*axis] = rest % *length as usize;
                rest /= *length as usize;
            }
            let from = old.iter().zip(&self.shape).fold(0, |at, (index, length)| at * *length as usize + index);
            addresses.push(self.addresses[from]);
        }
        Self { shape, addresses, ..self.clone() }
    }

    /// Returns `elements` elements of `size` bytes in each item. The first element is at byte `offset` of the item.
    fn elements(&self, offset: i64, size: i64, shape: &[i64]) -> Self {
        let elements: i64 = shape.iter().product();
        let addresses =
            self.addresses.iter().flat_map(|address| (0..elements).map(move |at| address + offset + at * size));
        let addresses = addresses.collect();
        Self { shape: [&self.shape, shape].concat(), addresses, itemsize: size }
    }

    /// Returns whether the items are adjacent in C order. Items without bytes count as adjacent.
    fn is_contiguous(&self) -> bool {
        let next = |pair: &[i64]| pair[1] == pair[0] + self.itemsize;
        self.bytes() == 0 || self.addresses.windows(2).all(next)
    }

    /// Returns the size of all items in bytes.
    fn bytes(&self) -> i64 {
        self.addresses.len() as i64 * self.itemsize
    }

    /// Returns whether no two items share a byte.
    fn is_disjoint(&self) -> bool {
        let mut sorted = self.addresses.clone();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[1] >= pair[0] + self.itemsize)
    }
}

/// Returns the pointer that the simulated memory contains at `address`. Different addresses contain different pointers,
/// because an odd factor has an inverse.
fn pointer_at(address: i64) -> i64 {
    address.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f)
}

/// Returns the address of each item of `view` in C order. `start` is the address of `buf`.
fn addresses(view: &View<'_>, start: i64) -> Vec<i64> {
    let mut indices = vec![0; view.ndim()];
    let mut out = Vec::new();
    if view.shape().contains(&0) {
        return out;
    }
    loop {
        out.push(view.steps(&indices).unwrap().fold(start, |address, step| match step {
            Step::Stride(bytes) | Step::Add(bytes) => address.wrapping_add(bytes),
            Step::Dereference => pointer_at(address),
        }));
        let Some(axis) = (0..indices.len()).rev().find(|axis| indices[*axis] + 1 < view.shape()[*axis]) else {
            return out;
        };
        indices[axis] += 1;
        indices[axis + 1..].fill(0);
    }
}

/// Returns the indices that Python's `slice` selects in a dimension of `length` items, or `None` if the step is 0.
fn indices(slice: Slice, length: i64) -> Option<Vec<i64>> {
    let (length, step) = (i128::from(length), i128::from(slice.step));
    let (first, last) = if step > 0 { (0, length) } else { (length - 1, -1) };
    let bound = |index: i64| {
        let index = i128::from(index);
        let index = if index < 0 { index + length } else { index };
        index.clamp(first.min(last), first.max(last))
    };
    let (mut at, stop) = (slice.start.map_or(first, bound), slice.stop.map_or(last, bound));
    let mut out = Vec::new();
    while step != 0 && (stop - at).signum() == step.signum() {
        out.push(at as i64);
        at += step;
    }
    (step != 0).then_some(out)
}

/// Generates a slice.
fn slice(bytes: &mut Unstructured<'_>) -> Result<Slice> {
    let bound = |bytes: &mut Unstructured<'_>| if bytes.arbitrary()? { number(bytes).map(Some) } else { Ok(None) };
    let step = if bytes.ratio(1, 2)? { *bytes.choose(&[1, -1, 2, -2, 3])? } else { number(bytes)? };
    Ok(Slice { start: bound(bytes)?, stop: bound(bytes)?, step })
}

/// A view, the expected items, and the layout of an item.
struct State<'a> {
    view: View<'a>,
    expected: Expected,
    layout: Layout,
    /// The address of `buf`.
    start: i64,
}

impl<'a> State<'a> {
    /// Applies a random operation. Asserts that the operation succeeds for valid arguments, and fails for others.
    fn apply(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let State { view, expected, layout, start } = &*self;
        let is_indirect = view.suboffsets().is_some();
        // A view with suboffsets can refuse valid arguments, because it cannot represent every result.
        let check = |name: &str, found: std::result::Result<View<'a>, pep3118::ViewError>, wanted: Option<Expected>| {
            assert!(found.is_err() || wanted.is_some(), "{name} of {view:?}");
            match found {
                Ok(view) => Some((view, wanted?)),
                Err(error) => {
                    assert!(wanted.is_none() || is_indirect, "{name} of {view:?}: {error}");
                    None
                }
            }
        };
        let (mut next_layout, mut next_start) = (layout.clone(), *start);
        let next = match bytes.int_in_range(0..=8)? {
            0 | 1 => {
                let slices: Vec<Slice> =
                    (0..bytes.int_in_range(0..=view.ndim())?).map(|_| slice(bytes)).collect::<Result<_>>()?;
                let mut wanted = Some(expected.clone());
                for (axis, slice) in slices.iter().enumerate() {
                    let chosen = indices(*slice, view.shape()[axis]);
                    assert_eq!(
                        slice.indices(view.shape()[axis]).map(|(_, count)| count),
                        chosen.as_ref().map(|chosen| chosen.len() as i64)
                    );
                    wanted = wanted.and_then(|wanted| Some(wanted.take(axis, &chosen?)));
                }
                check("slice", view.slice(&slices), wanted)
            }
            2 => {
                let (dimension, index) = (bytes.int_in_range(0..=view.ndim())?, number(bytes)?);
                let is_valid = view.shape().get(dimension).is_some_and(|length| (0..*length).contains(&index));
                let wanted = is_valid.then(|| {
                    let mut wanted = expected.take(dimension, &[index]);
                    wanted.shape.remove(dimension);
                    wanted
                });
                let found = view.select(dimension, index).map(|selected| {
                    next_start = selected.pointer.map_or(*start, |at| pointer_at(start.wrapping_add(at)));
                    selected.view
                });
                check("select", found, wanted)
            }
            3 => {
                let fields: Vec<Field<'_>> = layout.item().fields().chain([layout.item()]).collect();
                let field = *bytes.choose(&fields)?;
                let shape: Vec<i64> = field.shape().iter().map(|length| *length as i64).collect();
                let (offset, size) = (field.offset() as i64, field.size() as i64);
                let wanted = expected.elements(offset, size, &shape);
                next_layout = match view.field(field).as_ref().map(View::item) {
                    Ok(ItemLayout::Interpretation(found)) => found.layout.clone(),
                    _ => layout.clone(),
                };
                // An array of no elements has 0 bytes, and the fields of its elements are outside of these bytes.
                let is_inside = offset + field.total_size() as i64 <= expected.itemsize;
                check("field", view.field(field), (is_inside && wanted.shape.len() <= 64).then_some(wanted))
            }
            4 => {
                let (_, layout) = pep3118::arbitrary::layout(bytes, &Dialect::PEP3118, &DataModel::HOST)?;
                let itemsize = layout.size() as i64;
                let item =
                    ItemLayout::Interpretation(Box::new(Interpretation::exact(layout.clone(), &Dialect::PEP3118)));
                let items = expected.bytes().checked_div(itemsize).unwrap_or(0);
                let rows: i64 = bytes.int_in_range(1..=3)?;
                let shape = [rows, items / rows];
                let is_split: bool = bytes.arbitrary()?;
                let has_size = if is_split {
                    // Items of 0 bytes need a shape without items, because any other number of items has 0 bytes too.
                    shape.iter().product::<i64>() * itemsize == expected.bytes() && (itemsize > 0 || items == 0)
                } else {
                    itemsize > 0 && expected.bytes() % itemsize == 0
                };
                let fits = has_size && !is_indirect && expected.is_contiguous();
                let first = expected.addresses.first().copied().unwrap_or_default();
                let wanted = fits.then(|| Expected {
                    shape: if is_split { shape.to_vec() } else { vec![items] },
                    addresses: (0..items).map(|at| first + at * itemsize).collect(),
                    itemsize,
                });
                next_layout = layout;
                check("cast", view.cast(item, itemsize, is_split.then_some(&shape[..])), wanted)
            }
            5 => {
                let mut axes: Vec<usize> = (0..view.ndim()).collect();
                for at in (1..axes.len()).rev() {
                    axes.swap(at, bytes.int_in_range(0..=at)?);
                }
                if bytes.ratio(1, 8)? {
                    axes.push(bytes.int_in_range(0..=3)?);
                }
                let is_valid = !is_indirect && axes.len() == view.ndim();
                check("transpose", view.transpose(Some(&axes)), is_valid.then(|| expected.transposed(&axes)))
            }
            6 => {
                let axes: Vec<usize> = (0..view.ndim()).rev().collect();
                check("transpose", view.transpose(None), (!is_indirect).then(|| expected.transposed(&axes)))
            }
            7 => {
                let index = number(bytes)?;
                let length = view.shape().first().copied();
                let is_valid = length.is_some_and(|length| (0..=length).contains(&index));
                let part = |first, last| is_valid.then(|| expected.take(0, &(first..last).collect::<Vec<i64>>()));
                let (low, high) = (part(0, index), part(index, length.unwrap_or(0)));
                let is_low = bytes.arbitrary()?;
                let found = view.split_at(index).map(|(first, rest)| if is_low { first } else { rest });
                check("split", found, if is_low { low } else { high })
            }
            _ => {
                let len = number(bytes)?;
                let Some(length) = view.shape().first().copied().filter(|length| *length > 0 && len > 0) else {
                    assert!(view.shape().first() == Some(&0) || view.chunks(len).is_err());
                    return Ok(());
                };
                let parts: Vec<View<'a>> = view.chunks(len).unwrap().collect();
                let at = bytes.choose_index(parts.len())?;
                assert_eq!(parts.len() as i64, (length - 1) / len + 1);
                let first = at as i64 * len;
                let rows: Vec<i64> = (first..first.saturating_add(len).min(length)).collect();
                check("chunk", Ok(parts[at].clone()), Some(expected.take(0, &rows)))
            }
        };
        let Some((view, expected)) = next else { return Ok(()) };
        if expected.addresses.len() <= ITEMS {
            *self = State { view, expected, layout: next_layout, start: next_start };
            self.assert_items();
        }
        Ok(())
    }

    /// Asserts that the view has the expected items.
    fn assert_items(&self) {
        let State { view, expected, .. } = self;
        assert_eq!((view.shape(), view.itemsize()), (&*expected.shape, expected.itemsize));
        assert_eq!(view.len(), expected.bytes());
        assert_eq!(addresses(view, self.start), expected.addresses, "{view:?}");
        if view.suboffsets().is_none() {
            assert_eq!(view.is_contiguous(Order::C), expected.is_contiguous(), "{view:?}");
            if expected.bytes() > 0 && self.start == 0 {
                let offsets: Vec<i64> = view.offsets(Order::C).unwrap().collect();
                assert_eq!(offsets, expected.addresses, "{view:?}");
            }
        }
    }
}

/// Applies a chain of random operations to a random view, and asserts that the items after each operation have the
/// addresses that a list of addresses predicts. For a view without suboffsets, reads and writes the items of the last
/// view. Returns whether items were written.
pub fn view_chain(bytes: &mut Unstructured<'_>) -> Result<bool> {
    let random = StridedBuffer::arbitrary(bytes)?;
    let mut suboffsets = Vec::new();
    if bytes.ratio(1, 4)? {
        for _ in 0..random.shape().len() {
            suboffsets.push(bytes.int_in_range(-1..=20)?);
        }
    }
    let has_pointers = suboffsets.iter().any(|suboffset| *suboffset >= 0);
    let raw = RawView { suboffsets: has_pointers.then_some(&suboffsets), ..random.raw() };
    let block = (!has_pointers).then(|| random.block());
    let Checked { report, view } = raw.check(Request::FULL, None, block);
    let view = view.unwrap_or_else(|| panic!("{random:?}: {report}"));
    let itemsize = i64::try_from(random.layout().size()).unwrap();
    let expected =
        Expected::new(random.shape(), random.strides(), if has_pointers { &suboffsets } else { &[] }, itemsize);
    let mut state = State { view, expected, layout: random.layout().clone(), start: 0 };
    state.assert_items();
    for _ in 0..bytes.int_in_range(0..=OPERATIONS)? {
        state.apply(bytes)?;
    }
    if has_pointers {
        return Ok(false);
    }
    write_items(&state, &random, bytes)
}

/// Reads and writes the items of the view in `state`, whose memory is the memory of `random`. Returns whether items were
/// written.
fn write_items(state: &State<'_>, random: &StridedBuffer, bytes: &mut Unstructured<'_>) -> Result<bool> {
    let State { view, expected, layout, .. } = state;
    let plan = Plan::new(layout).unwrap();
    let itemsize = plan.itemsize();
    assert_eq!(itemsize as i64, expected.itemsize);
    let starts: Vec<usize> =
        expected.addresses.iter().map(|address| usize::try_from(random.block().offset + address).unwrap()).collect();
    let items: Vec<u8> = starts.iter().flat_map(|start| random.memory()[*start..*start + itemsize].to_vec()).collect();
    let buffer = Buffer::new(view, &plan, random.memory()).unwrap();
    assert_eq!(buffer.to_contiguous(Order::C).unwrap(), items);
    assert_eq!(buffer.values().count(), starts.len());

    let readonly = view.to_readonly();
    let mut memory = random.memory().to_vec();
    assert!(BufferMut::new(&readonly, &plan, &mut memory).is_err());
    let mut target = BufferMut::new(view, &plan, &mut memory).unwrap();
    let mut new = vec![0; items.len()];
    bytes.fill_buffer(&mut new)?;
    assert!(target.write_bytes(&[&new[..], &[0]].concat()).is_err());
    target.write_bytes(&new).unwrap();
    drop(target);
    let mut written = random.memory().to_vec();
    for (start, item) in starts.iter().zip(new.chunks(itemsize.max(1))) {
        written[*start..*start + itemsize].copy_from_slice(item);
    }
    // If items overlap, the order of the writes is not defined. Then only the bytes outside of the items are compared.
    if expected.is_disjoint() {
        assert_eq!(memory, written);
    } else {
        let mut is_item = vec![false; memory.len()];
        starts.iter().for_each(|start| is_item[*start..*start + itemsize].fill(true));
        for (at, is_item) in is_item.iter().enumerate() {
            assert!(*is_item || memory[at] == random.memory()[at], "byte {at}");
        }
    }
    // A value that is written to one item changes no byte of other items.
    if !starts.is_empty() && itemsize > 0 {
        let at = bytes.choose_index(starts.len())?;
        let mut index = vec![0_i64; view.ndim()];
        let mut rest = at as i64;
        for (index, length) in index.iter_mut().zip(view.shape()).rev() {
            *index = rest % length;
            rest /= length;
        }
        let value = plan.value(&new[..itemsize]).unwrap();
        let before = memory.clone();
        BufferMut::new(view, &plan, &mut memory).unwrap().write_value_at(&index, &value).unwrap();
        let item = starts[at]..starts[at] + itemsize;
        let mut wanted = before[item.clone()].to_vec();
        plan.encode(&value, &mut wanted).unwrap();
        assert_eq!(memory[item.clone()], wanted);
        assert_eq!((&memory[..item.start], &memory[item.end..]), (&before[..item.start], &before[item.end..]));
    }
    Ok(!items.is_empty())
}
