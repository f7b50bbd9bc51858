//! Tests of structs larger than 1 KiB. The library copies the items of such structs to a block before the library reads
//! the fields.

use arbtest::arbitrary::{Result, Unstructured};
use num_complex::Complex;
use pep3118::decode::{Plan, record::RecordError};
use pep3118::{DataModel, RawView, Record, Request};

use super::layout;

/// The number of cells in a record.
const CELLS: usize = 90;

/// A struct of more than 1 KiB.
#[derive(Record, Debug, Clone, PartialEq)]
struct Large {
    one: u8,
    two: i16,
    two_kept: u16,
    four: u32,
    eight: i64,
    eight_kept: u64,
    sixteen: [u8; 16],
    pair: Complex<f32>,
    cells: [Cell; CELLS],
    grid: [[Cell; 2]; 3],
    letter: char,
    four_kept: i32,
}

/// An element of an array of records.
#[derive(Record, Debug, Clone, Copy, PartialEq)]
struct Cell {
    on: bool,
    x: i16,
    y: [u32; 2],
}

/// A format with the fields in another order, other padding, and both byte orders.
const FORMAT: &str = "T{>w:letter:(3,2)T{(2)>I:y:x<h:x:?:on:}:grid:16s:sixteen:<i:four_kept:>I:four:<Q:eight_kept:xB:one:\
                      >h:two:>Zf:pair:(90)T{?:on:>h:x:(2)<I:y:}:cells:>q:eight:<H:two_kept:5x}";
/// The value of the padding bytes in the items of the tests.
const PADDING: u8 = 0xa5;

/// Returns the plan for items of [`FORMAT`].
fn plan() -> Plan {
    Plan::new(&layout(FORMAT)).unwrap()
}

/// Generates a random cell.
fn random_cell(bytes: &mut Unstructured<'_>) -> Result<Cell> {
    Ok(Cell { on: bytes.arbitrary()?, x: bytes.arbitrary()?, y: bytes.arbitrary()? })
}

/// Generates a random record without NaN, so that it is equal to its copies.
fn random_record(bytes: &mut Unstructured<'_>) -> Result<Large> {
    let part = |bytes: &mut Unstructured<'_>| bytes.int_in_range(-9..=9_i16).map(f32::from);
    let mut record = Large {
        one: bytes.arbitrary()?,
        two: bytes.arbitrary()?,
        two_kept: bytes.arbitrary()?,
        four: bytes.arbitrary()?,
        eight: bytes.arbitrary()?,
        eight_kept: bytes.arbitrary()?,
        sixteen: bytes.arbitrary()?,
        pair: Complex::new(part(bytes)?, part(bytes)?),
        cells: [Cell { on: false, x: 0, y: [0; 2] }; CELLS],
        grid: [[Cell { on: true, x: -1, y: [1, 2] }; 2]; 3],
        letter: bytes.arbitrary()?,
        four_kept: bytes.arbitrary()?,
    };
    for own in record.cells.iter_mut().chain(record.grid.as_flattened_mut()) {
        *own = random_cell(bytes)?;
    }
    Ok(record)
}

/// Returns the bytes of an item of the format `FORMAT` with the fields of `record`. Padding bytes have the value
/// `padding`.
fn item(record: &Large, padding: u8) -> Vec<u8> {
    let mut item = u32::from(record.letter).to_be_bytes().to_vec();
    for cell in record.grid.as_flattened() {
        item.extend(cell.y.map(u32::to_be_bytes).as_flattened());
        item.push(padding);
        item.extend(cell.x.to_le_bytes());
        item.push(cell.on.into());
    }
    item.extend(record.sixteen);
    item.extend(record.four_kept.to_le_bytes());
    item.extend(record.four.to_be_bytes());
    item.extend(record.eight_kept.to_le_bytes());
    item.extend([padding, record.one]);
    item.extend(record.two.to_be_bytes());
    item.extend([record.pair.re, record.pair.im].map(f32::to_be_bytes).as_flattened());
    for cell in &record.cells {
        item.push(cell.on.into());
        item.extend(cell.x.to_be_bytes());
        item.extend(cell.y.map(u32::to_le_bytes).as_flattened());
    }
    item.extend(record.eight.to_be_bytes());
    item.extend(record.two_kept.to_le_bytes());
    item.extend([padding; 5]);
    item
}

/// Returns the bytes of the items for all `records`. Padding bytes have the value `padding`.
fn items(records: &[Large], padding: u8) -> Vec<u8> {
    records.iter().flat_map(|record| item(record, padding)).collect()
}

/// The records need several blocks. Writing leaves the padding unchanged.
#[test]
fn records_are_read_and_written_in_blocks() {
    let plan = plan();
    assert!(Large::LAYOUT.size() > 1024, "smaller structs have another strategy");
    arbtest::arbtest(|bytes| {
        let mut records = Vec::new();
        for _ in 0..bytes.int_in_range(0..=40)? {
            records.push(random_record(bytes)?);
        }
        let wanted = items(&records, PADDING);
        assert_eq!(wanted.len(), plan.itemsize() * records.len());
        assert_eq!(plan.read_records::<Large>(&wanted).unwrap(), records);
        assert_eq!(plan.encode_records(&records).unwrap(), items(&records, 0));
        let mut written = vec![PADDING; wanted.len()];
        plan.write_records(&records, &mut written).unwrap();
        assert_eq!(written, wanted);
        Ok(())
    });
}

#[test]
fn records_are_read_and_written_in_the_order_of_the_view() {
    let plan = plan();
    let records: Vec<Large> = (0..6_u32)
        .map(|index| {
            let seed: Vec<u8> = (0..9000_u32).map(|at| (at.wrapping_mul(2_654_435_761 + index) >> 24) as u8).collect();
            random_record(&mut Unstructured::new(&seed)).unwrap()
        })
        .collect();
    let size = plan.itemsize() as i64;
    // The shape is [2, 3], and the first index varies fastest in memory.
    let raw = RawView {
        len: 6 * size,
        itemsize: size,
        ndim: 2,
        format: Some(FORMAT.as_bytes()),
        shape: Some(&[2, 3]),
        strides: Some(&[size, 2 * size]),
        ..RawView::default()
    };
    let view = raw.check(Request::FULL_RO, None, None).into_result().unwrap();
    let plan = Plan::for_view(&view, &DataModel::HOST).unwrap();
    let memory = items(&records, PADDING);
    let buffer = pep3118::decode::Buffer::new(&view, &plan, &memory).unwrap();
    let wanted = [0, 2, 4, 1, 3, 5].map(|index: usize| records[index].clone());
    assert_eq!(buffer.read_records::<Large>().unwrap(), wanted);
}

/// Reading fails for an invalid value in any block. The vector is unchanged.
#[test]
fn invalid_values_are_found_in_any_block() {
    let plan = plan();
    let zeros = Large { letter: 'z', ..random_record(&mut Unstructured::new(&[])).unwrap() };
    let good = items(&vec![zeros.clone(); 200], 0);
    let records = plan.records::<Large>().unwrap();
    let mut kept = vec![zeros];
    let refused = |record: usize, at: usize, value: u8, kept: &mut Vec<Large>| {
        let mut bad = good.clone();
        bad[record * plan.itemsize() + at] = value;
        match records.read_into(&bad, kept).unwrap_err() {
            RecordError::Invalid { record, field, value, ty } => (record, field, value, ty),
            other => panic!("{other}"),
        }
    };
    // `on` is the last byte of each cell of 12 bytes in `grid`, and the first byte of each cell of 11 bytes in `cells`.
    let cells = 4 + 6 * 12 + 16 + 4 + 4 + 8 + 2 + 2 + 8;
    for record in [0, 37, 150, 199] {
        assert_eq!(refused(record, 2, 0xd8, &mut kept), (record as u64, "letter".into(), 0xd87a, "char"));
    }
    assert_eq!(kept.len(), 1);
    // Each byte other than 0 of a `bool` is true, in every block.
    let mut bools = good.clone();
    for (record, at) in [(37, 4 + 11), (199, 4 + 5 * 12 + 11), (150, cells + 89 * 11)] {
        bools[record * plan.itemsize() + at] = 2;
    }
    let found = records.read(&bools).unwrap();
    assert!(found[37].grid[0][0].on && found[199].grid[2][1].on && found[150].cells[89].on && !found[36].grid[0][0].on);
    records.read_into(&good, &mut kept).unwrap();
    assert_eq!(kept.len(), 201);
}

/// For items of 0 bytes, the number of records is the number of items. More than 65,536 items are refused.
#[test]
fn items_without_bytes_are_counted() {
    #[derive(Record, Debug, PartialEq)]
    struct Nothing {
        no: [u8; 0],
    }
    let layout = layout("T{0s:no:}");
    let plan = Plan::new(&layout).unwrap();
    let read = |count: i64| {
        let raw = RawView { ndim: 1, shape: Some(&[count]), strides: Some(&[0]), itemsize: 0, ..RawView::default() };
        let view = raw.check(Request::STRIDES, None, None).into_result().unwrap();
        let buffer = pep3118::decode::Buffer::new(&view, &plan, &[]).unwrap();
        buffer.read_records::<Nothing>().map_err(|error| error.to_string())
    };
    for count in [0, 1, 5, 65_536] {
        let records = read(count).unwrap();
        assert_eq!(i64::try_from(records.len()).unwrap(), count);
        assert!(records.iter().all(|record| *record == Nothing { no: [] }));
    }
    assert!(read(65_537).is_err());
}

/// A plan for records reads any buffer whose items have the itemsize of the plan.
#[test]
fn plans_and_buffers_have_one_itemsize() {
    let raw = RawView { len: 8, itemsize: 4, ndim: 1, shape: Some(&[2]), strides: Some(&[4]), ..RawView::default() };
    let view = raw.check(Request::STRIDES, None, None).into_result().unwrap();
    let memory = [1, 2, 3, 4, 5, 6, 7, 8];
    let own = Plan::new(&layout(">I")).unwrap();
    let buffer = pep3118::decode::Buffer::new(&view, &own, &memory).unwrap();
    #[derive(Record, Debug, PartialEq)]
    struct Pair(u16, u16);
    let pairs = Plan::new(&layout(">HH")).unwrap();
    assert_eq!(
        pairs.records::<Pair>().unwrap().read_buffer(&buffer).unwrap(),
        [Pair(0x102, 0x304), Pair(0x506, 0x708)]
    );
    let wide = Plan::new(&layout(">HHx")).unwrap();
    let error = wide.records::<Pair>().unwrap().read_buffer(&buffer).unwrap_err();
    assert_eq!(error.to_string(), "items of the view have 4 bytes but the plan is for 5 bytes");
}
