//! Tests that compare contiguity, bounds, overlap and offsets with a loop over every index, slices with the slices of
//! Python, and the steps of indirect views with simulated memory.

use pep3118::view::Steps;
use pep3118::{Checked, Order, RawView, Request, RuleId, Slice, Step, View, verify_structure};

use super::CHECKER;

const SEED: u64 = 0x5eed_3118;
/// The number of random views of a test.
pub(super) const VIEWS: usize = 100_000;

/// A linear congruential generator, which generates the same numbers in every run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new() -> Self {
        println!("seed {SEED:#x}");
        Self(SEED)
    }

    /// Returns a random number from 0 to `limit - 1`.
    pub(super) fn random_below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64) % limit
    }

    /// Returns `true` with a probability of 1 in `limit`.
    fn with_chance_one_in(&mut self, limit: i64) -> bool {
        self.random_below(limit) == 0
    }
}

/// The fields of a `Py_buffer` and its memory block. The block has `memlen` bytes, and the item with all indices 0 is
/// at byte `offset` of the block.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) len: i64,
    pub(super) itemsize: i64,
    pub(super) shape: Vec<i64>,
    pub(super) strides: Option<Vec<i64>>,
    pub(super) suboffsets: Option<Vec<i64>>,
    pub(super) memlen: i64,
    pub(super) offset: i64,
}

impl Numbers {
    pub(super) fn raw(&self) -> RawView<'_> {
        RawView {
            len: self.len,
            itemsize: self.itemsize,
            ndim: self.shape.len() as i32,
            shape: (!self.shape.is_empty()).then_some(&self.shape),
            strides: self.strides.as_deref(),
            suboffsets: self.suboffsets.as_deref(),
            ..RawView::default()
        }
    }
}

/// Generates fields of items that are contiguous, almost contiguous, strided, overlapping, empty, without strides, or
/// random. The block contains all items, or all items except a few bytes.
pub(super) fn numbers(random: &mut Random) -> Numbers {
    let ndim = random.random_below(6) as usize;
    let itemsize = [1, 2, 3, 4, 5, 8, 12, 16][random.random_below(8) as usize];
    let zero = random.with_chance_one_in(12);
    let shape: Vec<i64> = (0..ndim)
        .map(|_| match random.random_below(8) {
            0 | 1 => 1,
            2 if zero => 0,
            n => 2 + n % 4,
        })
        .collect();
    let mut strides = vec![0; ndim];
    let order: Vec<usize> = if random.with_chance_one_in(2) { (0..ndim).collect() } else { (0..ndim).rev().collect() };
    let mut next = itemsize;
    for axis in order {
        strides[axis] = next;
        next *= shape[axis].max(1);
    }
    for (stride, length) in strides.iter_mut().zip(&shape) {
        match random.random_below(16) {
            0 => *stride = -*stride,
            1 => *stride *= 2,
            2 => *stride = itemsize * (random.random_below(11) - 5),
            3 => *stride = random.random_below(41) - 20,
            // Contiguity ignores the stride of a dimension of at most one item (C04, relaxed strides).
            4..=7 if *length <= 1 => *stride = random.random_below(1000),
            _ => {}
        }
    }
    let strides = (ndim > 0 && !random.with_chance_one_in(8)).then_some(strides);
    let suboffsets = (ndim > 0 && strides.is_some() && random.with_chance_one_in(16)).then(|| vec![-1; ndim]);
    let len = shape.iter().product::<i64>() * itemsize;
    let (low, high) = span(&shape, strides.as_deref().unwrap_or_default());
    let jitter = |random: &mut Random| if random.with_chance_one_in(3) { random.random_below(33) - 16 } else { 0 };
    let offset = -low + jitter(random);
    let memlen = (offset + high + itemsize + jitter(random)).max(0);
    Numbers { len, itemsize, shape, strides, suboffsets, memlen, offset }
}

/// Returns the lowest and the highest offset of an item, in bytes from the item with all indices 0. A dimension of 0
/// items counts as a dimension of 1 item.
fn span(shape: &[i64], strides: &[i64]) -> (i64, i64) {
    shape.iter().zip(strides).fold((0, 0), |(low, high), (length, stride)| {
        let span = stride * (length - 1).max(0);
        (low + span.min(0), high + span.max(0))
    })
}

/// Returns all indices of the shape in C order.
fn every_index(shape: &[i64]) -> Vec<Vec<i64>> {
    let mut all = vec![Vec::new()];
    for length in shape {
        all = all
            .into_iter()
            .flat_map(|head: Vec<i64>| (0..*length).map(move |index| [head.as_slice(), &[index]].concat()))
            .collect();
    }
    all
}

/// Returns the offset of every item. `axes` yields the length and the stride of each dimension. The index of the last
/// dimension varies fastest.
fn walk<'n>(axes: impl Iterator<Item = (&'n i64, &'n i64)>) -> Vec<i64> {
    axes.fold(vec![0], |offsets, (length, stride)| {
        offsets.iter().flat_map(|offset| (0..*length).map(move |index| offset + index * stride)).collect()
    })
}

/// Returns the offset of the item at `index`, in bytes from the item with all indices 0.
fn offset(strides: &[i64], index: &[i64]) -> i64 {
    strides.iter().zip(index).map(|(stride, index)| stride * index).sum()
}

/// Returns whether the first item is at offset 0 and each other item starts where the previous item ends. `offsets` are
/// the offsets of the items in bytes.
fn are_adjacent(offsets: impl Iterator<Item = i64>, itemsize: i64) -> bool {
    offsets.zip(0..).all(|(offset, number)| offset == number * itemsize)
}

#[test]
fn a_loop_over_every_index_agrees() {
    let mut random = Random::new();
    let (mut contiguous, mut valid, mut overlapping, mut possible) = (0, 0, 0, 0);
    for _ in 0..VIEWS {
        let numbers = Numbers { suboffsets: None, ..numbers(&mut random) };
        let raw = numbers.raw();
        let Checked { report, view } = CHECKER.check(&raw, None);
        assert!(!report.has_errors(), "{numbers:?}: {report}");
        let view = view.unwrap();
        let strides = view.strides();
        let axes = numbers.shape.iter().zip(strides);
        let offsets = walk(axes.clone());
        let columns = walk(axes.rev());

        // Compare the offset of each item, and all offsets in both orders.
        assert_eq!(view.offsets(Order::C).unwrap().collect::<Vec<i64>>(), offsets, "{numbers:?}");
        assert_eq!(view.offsets(Order::Fortran).unwrap().collect::<Vec<i64>>(), columns, "{numbers:?}");
        assert_eq!(view.item_count(), offsets.len() as u64);
        let last: Vec<i64> = numbers.shape.iter().map(|length| length - 1).collect();
        assert_eq!(view.offset_of(&last).ok(), offsets.last().copied());

        // Compare the contiguity.
        let c = are_adjacent(offsets.iter().copied(), numbers.itemsize);
        let f = are_adjacent(columns.iter().copied(), numbers.itemsize);
        contiguous += usize::from(c || f);
        for (order, expected) in [(Order::C, c), (Order::Fortran, f), (Order::Any, c || f)] {
            assert_eq!(view.is_contiguous(order), expected, "{order} {numbers:?}");
            assert_eq!(raw.is_contiguous(order), expected, "{order} {numbers:?}");
        }

        // Compare the bounds with the lowest and the highest offset, and check the block.
        let bounds = view.byte_bounds().unwrap();
        let low = offsets.iter().copied().min().unwrap_or(0);
        let high = offsets.iter().map(|offset| offset + numbers.itemsize).max().unwrap_or(0);
        assert_eq!((bounds.low, bounds.high), (low, high), "{numbers:?}");
        let ndim = numbers.shape.len() as i32;
        let structure =
            verify_structure(numbers.memlen, numbers.itemsize, ndim, &numbers.shape, strides, numbers.offset);
        let fits = offsets.is_empty() || (numbers.offset + low >= 0 && numbers.offset + high <= numbers.memlen);
        valid += usize::from(fits);
        assert_eq!(!structure.has_errors(), fits, "{numbers:?}: {structure}");

        // Compare the overlap. If the report states an overlap, two items share bytes. Without a note, no items share
        // bytes. The search is slow, so only small arrays are compared.
        let block = pep3118::Block { len: high - low, offset: -low };
        let report = pep3118::Checker { memory: Some(block), ..CHECKER }.check(&raw, None).report;
        if offsets.len() > 200 {
            continue;
        }
        let mut bytes: Vec<i64> =
            offsets.iter().flat_map(|offset| (0..numbers.itemsize).map(move |byte| offset + byte)).collect();
        let all = bytes.len();
        bytes.sort_unstable();
        bytes.dedup();
        let overlaps = bytes.len() < all;
        match report.iter().find(|finding| finding.rule() == RuleId::D08) {
            None => assert!(!overlaps, "{numbers:?}"),
            Some(finding) if finding.message().contains("may overlap") => possible += 1,
            Some(_) => {
                assert!(overlaps, "{numbers:?}");
                overlapping += 1;
            }
        }
    }
    println!("{contiguous} contiguous, {valid} valid, {overlapping} overlapping, {possible} possibly, of {VIEWS}");
    assert!(contiguous > VIEWS / 10 && valid > VIEWS / 4 && overlapping > VIEWS / 50);
    // The report states a possible overlap if only a search could decide.
    assert!(possible < VIEWS / 10);
}

/// The test compares slices and transpositions with the same operations on nested lists.
#[test]
fn slices_select_the_items_that_python_selects() {
    let mut random = Random::new();
    let mut items = 0;
    for _ in 0..20_000 {
        let numbers = Numbers { suboffsets: None, ..numbers(&mut random) };
        let raw = numbers.raw();
        let view = CHECKER.check(&raw, None).into_result().unwrap();
        let bound = |random: &mut Random| (!random.with_chance_one_in(3)).then(|| random.random_below(15) - 7);
        let slices: Vec<Slice> = (0..random.random_below(numbers.shape.len() as i64 + 1))
            .map(|_| {
                let step = [1, 1, 2, 3, -1, -2, -3, i64::MIN, i64::MAX][random.random_below(9) as usize];
                Slice { start: bound(&mut random), stop: bound(&mut random), step }
            })
            .collect();
        let sliced = view.slice(&slices).unwrap();
        let selected: Vec<Vec<i64>> = numbers
            .shape
            .iter()
            .enumerate()
            .map(|(axis, length)| slices.get(axis).map_or((0..*length).collect(), |slice| select(*slice, *length)))
            .collect();
        let shape: Vec<i64> = selected.iter().map(|indices| indices.len() as i64).collect();
        assert_eq!(sliced.shape(), shape, "{slices:?} of {numbers:?}");
        let expected: Vec<i64> = every_index(&shape)
            .iter()
            .map(|index| {
                let index: Vec<i64> = index.iter().zip(&selected).map(|(index, all)| all[*index as usize]).collect();
                offset(view.strides(), &index)
            })
            .collect();
        assert_eq!(sliced.offsets(Order::C).unwrap().collect::<Vec<i64>>(), expected, "{slices:?} of {numbers:?}");
        assert_eq!(sliced.len(), expected.len() as i64 * numbers.itemsize);
        items += expected.len();
        // The fields of the slice follow the rules.
        let report = CHECKER.check(&sliced.as_raw(), None).report;
        assert!(!report.has_errors(), "{report}");

        let transposed = sliced.transpose(None).unwrap();
        assert!(transposed.offsets(Order::Fortran).unwrap().eq(sliced.offsets(Order::C).unwrap()));
        let back = transposed.transpose(None).unwrap();
        assert_eq!((back.shape(), back.strides()), (sliced.shape(), sliced.strides()));
    }
    assert!(items > 100_000, "only {items} items were selected");
}

/// Returns the elements of `list(range(length))[slice]` in Python.
fn select(slice: Slice, length: i64) -> Vec<i64> {
    let wrapped = |index: i64| if index < 0 { index + length } else { index };
    let all = 0..length;
    if slice.step > 0 {
        let start = slice.start.map_or(0, wrapped).max(0);
        let stop = slice.stop.map_or(length, wrapped);
        all.filter(|index| *index >= start && *index < stop && (index - start) % slice.step == 0).collect()
    } else {
        let start = slice.start.map_or(length - 1, wrapped).min(length - 1);
        let stop = slice.stop.map_or(-1, |stop| wrapped(stop).max(-1));
        let step = slice.step.checked_neg().unwrap_or(i64::MAX);
        all.rev().filter(|index| *index <= start && *index > stop && (start - index) % step == 0).collect()
    }
}

/// Follows the `steps` of a view through simulated memory from the start of the first block, and returns the number at
/// the end. `blocks` are blocks of memory, which consist of 8-byte numbers.
fn follow(blocks: &[&[i64]], steps: Steps<'_>) -> i64 {
    // A pointer is the index of a block multiplied by 1000, plus an offset.
    let (mut block, mut offset) = (0, 0);
    for step in steps {
        match step {
            Step::Stride(bytes) | Step::Add(bytes) => offset += bytes,
            Step::Dereference => {
                let pointer = blocks[block][offset as usize / 8];
                (block, offset) = (pointer as usize / 1000, pointer % 1000);
            }
        }
    }
    blocks[block][offset as usize / 8]
}

#[test]
fn steps_follow_pointers() {
    // A table of pointers to two rows, each with a header of one item that the suboffset skips.
    let blocks: [&[i64]; 3] = [&[1000, 2000], &[-1, 10, 11, 12], &[-1, 20, 21, 22]];
    let raw = RawView {
        len: 48,
        itemsize: 8,
        ndim: 2,
        shape: Some(&[2, 3]),
        strides: Some(&[8, 8]),
        suboffsets: Some(&[8, -1]),
        ..RawView::default()
    };
    let view = CHECKER.check(&raw, Some(Request::INDIRECT)).into_result().unwrap();
    let read = |view: &View<'_>| -> Vec<i64> {
        every_index(view.shape()).iter().map(|index| follow(&blocks, view.steps(index).unwrap())).collect()
    };
    assert_eq!(read(&view), [10, 11, 12, 20, 21, 22]);
    // A slice of a dimension after a pointer changes the suboffset. A slice of a dimension before the pointer changes
    // the offset.
    let tail = view.slice(&[Slice::from(1..2), Slice { start: Some(2), stop: None, step: -2 }]).unwrap();
    assert_eq!(read(&tail), [22, 20]);
    assert_eq!(tail.suboffsets(), Some(&[24, -1][..]));
    assert_eq!(read(&view.slice(&[Slice { step: -1, ..Slice::FULL }]).unwrap()), [20, 21, 22, 10, 11, 12]);
    assert!(view.offset_of(&[0, 0]).is_err() && view.offsets(Order::C).is_err() && view.transpose(None).is_err());
    assert_eq!(view.byte_bounds(), None);
    assert!(!view.is_contiguous(Order::Any));
}
