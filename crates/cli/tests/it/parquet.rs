//! Tests of `decode --to parquet`: a Parquet file has the rows of the Arrow file of the same items. Also tests of row
//! groups, of failed commands, of empty inputs, and of a file on standard output.

use std::fs::{self, File};
use std::path::Path;

use arbitrary::Unstructured;
use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::encode::{Case, draw_case, random_bytes, run, text};

/// Returns the first record batch of the Parquet file `path`, and the numbers of rows of all row groups. The batch is
/// empty if the file has no rows.
fn read_parquet(path: &Path) -> (RecordBatch, Vec<i64>) {
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let groups = file.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    let schema = file.schema().clone();
    let mut batches = file.with_batch_size(1 << 20).build().unwrap();
    let first = batches.next().map_or_else(|| RecordBatch::new_empty(schema), |batch| batch.unwrap());
    (first, groups)
}

/// Returns the only record batch of the Arrow file `path`. Panics if the file has another number of batches.
fn read_arrow(path: &Path) -> RecordBatch {
    let mut batches = arrow_ipc::reader::FileReader::try_new(File::open(path).unwrap(), None).unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    batch
}

#[test]
fn generated_layouts_have_the_rows_of_the_arrow_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 0x0bad_cafe_9abc_def1_u64;
    let (mut compared, mut refused) = (0, 0);
    for _ in 0..96 {
        let case = draw_case(&mut Unstructured::new(&random_bytes(&mut state))).unwrap();
        let Some(Case { format, items, options, .. }) = case else { continue };
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let [arrow, parquet] = ["arrow", "parquet"].map(|to| {
            let path = folder.path().join(to);
            let output = ["decode", "-", &format, "--to", to, "-o", path.to_str().unwrap()];
            (run(&[&output[..], &options].concat(), &items), path)
        });
        if !arrow.0.status.success() {
            assert_eq!(text(&parquet.0.stderr), text(&arrow.0.stderr), "{format}");
            continue;
        }
        if !parquet.0.status.success() {
            let message = text(&parquet.0.stderr);
            let is_known =
                message.ends_with(": a value of 0 bytes\n") || message.ends_with(": a record without fields\n");
            assert!(is_known, "{format}: {message}");
            refused += 1;
            continue;
        }
        let (wanted, (found, _)) = (read_arrow(&arrow.1), read_parquet(&parquet.1));
        assert_eq!(found.columns(), wanted.columns(), "{format}");
        assert_eq!(found.schema().fields(), wanted.schema().fields(), "{format}");
        compared += 1;
    }
    assert!(compared > 20 && refused < compared, "{compared} {refused}");
}

#[test]
fn a_large_file_has_several_row_groups() {
    let folder = tempfile::tempdir().unwrap();
    let (items, output) = (folder.path().join("items"), folder.path().join("items.parquet"));
    let mut state = 1_u64;
    // Random bytes, so that the encoded values have the size of the items.
    let block: Vec<u8> = std::iter::repeat_with(|| random_bytes(&mut state)).take(500).flatten().collect();
    let bytes = block.repeat(24);
    fs::write(&items, &bytes).unwrap();
    let [items, output_text] = [&items, &output].map(|path| path.to_str().unwrap());
    let done = run(&["decode", items, "(16)<Q", "--to", "parquet", "-o", output_text], b"");
    assert!(done.status.success(), "{}", text(&done.stderr));
    let (_, groups) = read_parquet(&output);
    let rows: i64 = groups.iter().sum();
    assert_eq!(rows, 12_000 * 8192 / 128);
    // Each group except the last has from 32 MiB to 36 MiB, because a batch of up to 4 MiB reaches the minimum of 32
    // MiB and ends the group. The items have 94 MiB.
    assert_eq!(groups.len(), 3, "{groups:?}");
}

#[test]
fn a_failed_command_leaves_the_output_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.parquet");
    fs::write(&output, "before").unwrap();
    let failed = run(&["decode", "-", "<i", "--to", "parquet", "-o", output.to_str().unwrap()], &[1; 7]);
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed.stderr));
    assert_eq!(fs::read(&output).unwrap(), b"before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_empty_input_is_a_file_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.parquet");
    let done = run(&["decode", "-f", "T{<i:a:}", "--to", "parquet", "-", output.to_str().unwrap()], b"");
    assert!(done.status.success(), "{}", text(&done.stderr));
    let (batch, groups) = read_parquet(&output);
    assert_eq!((batch.num_rows(), batch.num_columns(), groups.len()), (0, 1, 0));
}

#[test]
fn standard_output_can_be_a_parquet_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let done = run(&["decode", "-", "T{<i:a:}", "--to", "parquet"], &[1, 0, 0, 0]);
    fs::write(&path, done.stdout).unwrap();
    assert_eq!(read_parquet(&path).0.num_rows(), 1);
}
