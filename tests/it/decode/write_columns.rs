//! Tests of writing columns to records, and of reading columns from many records.

use std::cell::Cell;

use pep3118::Order;
use pep3118::decode::{Buffer, BufferMut, Column, ColumnData, Plan};

use super::plan;
use crate::properties::layouts::random_layout;
use crate::properties::strided::view;
use crate::property_search::search_until;
use crate::reference_decoder::column_bytes;

/// Returns the name, the shape and the little-endian bytes of each column in `columns`.
fn bytes_of(columns: &[Column]) -> Vec<(Vec<u8>, Vec<usize>, Vec<u8>)> {
    columns.iter().map(|column| (column.name.clone(), column.shape.clone(), column_bytes(&column.data))).collect()
}

/// The test reads columns from random records, writes the columns to other records, and reads equal columns from the
/// written records. The padding of the written records is unchanged.
#[test]
fn written_columns_are_read_again() {
    let (checked, with_padding) = (Cell::new(0), Cell::new(0));
    search_until(
        1_500,
        || checked.get() > 50 && with_padding.get() > 50,
        |bytes| {
            let (format, layout) = random_layout(bytes)?;
            let plan = Plan::new(&layout).unwrap();
            let mut records = vec![0; plan.itemsize() * bytes.int_in_range(1..=70)?];
            bytes.fill_buffer(&mut records)?;
            let columns = plan.columns(&records, None).unwrap();
            let again = plan.encode_columns(&columns).unwrap_or_else(|error| panic!("{format}: {error}"));
            // If no column has bytes, the library cannot compute the number of records.
            if columns.iter().any(|column| !column.data.is_empty()) {
                assert_eq!(bytes_of(&plan.columns(&again, None).unwrap()), bytes_of(&columns), "{format}");
            }
            // The columns are written to records of zeros and to records of ones. A written bit is equal in both
            // results. Any other bit differs.
            let mut ones = vec![0xff; records.len()];
            plan.write_columns(&columns, &mut ones).unwrap();
            assert_eq!(bytes_of(&plan.columns(&ones, None).unwrap()), bytes_of(&columns), "{format}");
            let mut over = records.clone();
            plan.write_columns(&columns, &mut over).unwrap();
            for (at, over) in over.iter().enumerate() {
                let written = !(again.get(at).unwrap_or(&0) ^ ones[at]);
                with_padding.set(with_padding.get() + u32::from(written != 0xff));
                assert_eq!(*over, records[at] & !written | ones[at] & written, "{format} at byte {at}");
            }
            checked.set(checked.get() + 1);
            Ok(())
        },
    );
}

/// The records are ascending, descending, with unused bytes between them, or overlapping.
#[test]
fn long_lines_are_read_in_any_stride() {
    let checked = Cell::new(0);
    search_until(
        1_500,
        || checked.get() > 50,
        |bytes| {
            let (format, layout) = random_layout(bytes)?;
            let (plan, itemsize) = (Plan::new(&layout).unwrap(), i64::try_from(layout.size()).unwrap());
            let items = bytes.int_in_range(16..=600)?;
            let stride = *bytes.choose(&[itemsize, itemsize + 3, -itemsize, -itemsize - 1, 2 * itemsize, 1, 0, -2])?;
            let reach = (items - 1) * stride;
            let (origin, len) = (reach.min(0).abs() + 5, reach.abs() + itemsize + 9);
            let mut memory = vec![0; usize::try_from(len).unwrap()];
            bytes.fill_buffer(&mut memory[..])?;
            memory.iter_mut().zip(1_u8..=255).for_each(|(byte, salt)| *byte ^= salt);
            let (shape, strides) = ([items], [stride]);
            let view = view(&shape, &strides, itemsize, len, origin);
            let owned = Buffer::new(&view, &plan, &memory).unwrap();
            // SAFETY: (a) The view was checked against this block. (b) The view has no suboffsets. (c) Nothing writes
            // to the block.
            let foreign =
                unsafe { Buffer::from_ptr(&view, &plan, memory.as_ptr().wrapping_offset(origin as isize)) }.unwrap();
            let contiguous = owned.to_contiguous(Order::C).unwrap();
            let expected = bytes_of(&plan.columns(&contiguous, None).unwrap());
            // Compares the columns of some single records with the columns of all records.
            for (at, record) in contiguous.chunks(plan.itemsize().max(1)).enumerate().step_by(37) {
                for (one, (name, _, all)) in plan.columns(record, None).unwrap().iter().zip(&expected) {
                    let one = column_bytes(&one.data);
                    assert_eq!(all[at * one.len()..][..one.len()], one, "{format}: {}", name.escape_ascii());
                }
            }
            if itemsize > 0 {
                assert_eq!(bytes_of(&owned.columns(None).unwrap()), expected, "{format} {stride}");
                assert_eq!(bytes_of(&foreign.columns(None).unwrap()), expected, "{format} {stride}");
            }
            checked.set(checked.get() + 1);
            Ok(())
        },
    );
}

#[test]
fn columns_are_written_through_strides() {
    let plan = plan("T{>H:a:>H:b:}");
    let (shape, strides) = ([3], [-4]);
    let view = view(&shape, &strides, 4, 12, 8);
    let mut bytes = [9; 12];
    let mut buffer = BufferMut::new(&view, &plan, &mut bytes).unwrap();
    let column = |data| Column { name: b"b".to_vec(), ty: pep3118::Type::UInt16, shape: vec![], data };
    buffer.write_columns(&[column(ColumnData::UInt16(vec![1, 2, 3]))]).unwrap();
    let error = buffer.write_columns(&[column(ColumnData::UInt16(vec![7, 8]))]).unwrap_err();
    assert_eq!(error.to_string(), "b: 2 values for 3 elements");
    drop(buffer);
    assert_eq!(bytes, [9, 9, 0, 3, 9, 9, 0, 2, 9, 9, 0, 1]);
}

#[test]
fn columns_that_do_not_fit_are_refused() {
    let plan = plan("T{<i:a:<h:b:3s:c:@g:d:(2)?:e:}");
    let records: Vec<u8> = (0..2 * plan.itemsize()).map(|at| u8::try_from(at).unwrap()).collect();
    let good = plan.columns(&records, None).unwrap();
    let refused = |change: &dyn Fn(&mut Vec<Column>)| {
        let (mut columns, mut memory) = (good.clone(), records.clone());
        change(&mut columns);
        let error = plan.write_columns(&columns, &mut memory).unwrap_err();
        assert_eq!(memory, records, "{error}");
        error.to_string()
    };
    assert_eq!(refused(&|columns| columns[1].name = b"z".to_vec()), "no field is named `z`");
    assert_eq!(refused(&|columns| columns[1].name = b"a".to_vec()), "no field is named `a`");
    assert_eq!(refused(&|columns| columns[1].ty = pep3118::Type::UInt16), "b: value is uint16 but the field is int16");
    assert_eq!(
        refused(&|columns| columns[1].data = ColumnData::Int32(vec![1, 2])),
        "b: value is int32 but the field is int16"
    );
    assert_eq!(
        refused(&|columns| columns[4].data = ColumnData::Bytes(vec![2; 4])),
        "e: value is uint8 but the field is bool"
    );
    assert_eq!(
        refused(&|columns| columns[2].shape = vec![1, 3]),
        "c: value is a column but the field is a column of another shape"
    );
    assert_eq!(refused(&|columns| columns[4].data = ColumnData::Bool(vec![true; 3])), "e: 3 values for 4 elements");
    let double = pep3118::decode::LongDouble::from_f64(1.5, pep3118::LongDoubleFormat::Binary128);
    let message = refused(&|columns| columns[3].data = ColumnData::LongDouble(vec![double; 2]));
    assert!(message.starts_with("d: long double is "), "{message}");
    assert_eq!(plan.encode_columns(&good[1..]).unwrap_err().to_string(), "4 values for 5 fields");
    let mut shuffled = good.clone();
    shuffled.rotate_left(2);
    assert_eq!(plan.encode_columns(&shuffled).unwrap(), plan.encode_columns(&good).unwrap());
    assert_eq!(
        plan.write_columns(&good, &mut [0; 5]).unwrap_err().to_string(),
        format!("5 bytes are not a multiple of the {}-byte item size", plan.itemsize())
    );
}

/// The records have 6,000 fields, and every second field has the same name. The columns are in the reverse order of the
/// fields.
#[test]
fn columns_in_any_order_are_written_to_the_fields_of_their_names() {
    let format: String = (0..3_000).map(|index| format!("<H:f{index}:<H:same:")).collect();
    let plan = plan(&format!("T{{{format}}}"));
    let records: Vec<u8> = (0..6_000_u16).flat_map(u16::to_le_bytes).collect();
    let mut columns = plan.columns(&records, None).unwrap();
    let names: Vec<Vec<u8>> = columns.iter().rev().map(|column| column.name.clone()).collect();
    // Several fields have the name `same`.
    assert_eq!(plan.columns(&records, &names).unwrap_err().to_string(), "several fields are named `same`");
    assert!(plan.columns(&records, ["same"]).is_err());
    let names: Vec<Vec<u8>> = names.into_iter().filter(|name| name != b"same").collect();
    let named = plan.columns(&records, &names).unwrap();
    assert_eq!(named.last().map(|column| &column.data), Some(&ColumnData::UInt16(vec![0])), "`f0`");
    columns.sort_by(|first, second| second.name.cmp(&first.name));
    assert_eq!(plan.encode_columns(&columns).unwrap(), records);
    columns.push(columns.last().unwrap().clone());
    assert!(plan.write_columns(&columns, &mut records.clone()).is_err(), "no field is left for the column");
}
