//! Tests of `decode` with files: strides in large files, output files and Arrow files.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::snapshot;

/// Returns the command `decode` with `arguments`.
fn command(arguments: &[&str]) -> Command {
    let mut command = crate::command::pep3118();
    command.arg("decode").args(arguments).env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Runs a command that must succeed without a message, and returns its standard output.
fn stdout_of(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    assert!(output.status.success(), "{arguments:?}");
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Writes a file in `folder` and returns its path.
fn write_file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn comma_separated(numbers: &[i64]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Returns the offset of each item in C order: the last index varies fastest. `origin` is the offset of the item with
/// all indices 0.
fn offsets(origin: i64, shape: &[i64], strides: &[i64]) -> Vec<i64> {
    let axes = shape.iter().zip(strides);
    axes.fold(vec![origin], |offsets, (len, stride)| {
        offsets.iter().flat_map(|offset| (0..*len).map(move |index| offset + index * stride)).collect()
    })
}

/// Returns the offset of the item with all indices 0 in an array whose lowest item is at offset 0.
fn origin(shape: &[i64], strides: &[i64]) -> i64 {
    shape.iter().zip(strides).map(|(len, stride)| (-stride * (len - 1)).max(0)).sum()
}

#[test]
fn decode_of_files_prints_the_text_of_its_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let odd = [f64::NAN.to_le_bytes(), f64::NEG_INFINITY.to_le_bytes(), [0xff; 8]].concat();
    let mut odd = [odd, [0xe9, 0x1b, 0x22].map(u32::to_le_bytes).concat()].concat();
    odd.extend(*b"x,\0\xff");
    let format = "T{<d:a,b:<d:\"inf\":T{<Q:q:<3w:w:}:in:(2,2)c:c:}";
    let path = write_file(&folder, "odd", &odd);
    let four = write_file(&folder, "four", b"abcd");
    let pages: &[(&str, &[&str])] = &[
        ("decode-odd-table", &["-f", format, &path]),
        ("decode-odd-csv", &["-f", format, "--to", "csv", &path]),
        ("decode-odd-json", &["-f", format, "--to", "json", &path]),
        ("decode-record", &["-f", format, "--columns", "in,\"inf\"", "--to", "json", &path]),
        ("decode-complex", &["-f", "<Zd", "--to", "json", "--count", "1", &path]),
        ("decode-empty", &["-f", "<i", "--skip", "4", &four]),
        ("decode-empty-csv", &["-f", "<i", "--skip", "4", "--to", "csv", &four]),
        ("decode-beyond", &["-f", "<i", "--skip", "9", &four]),
        ("decode-one-left", &["-f", "<3s", &four]),
        ("decode-less-than-one", &["-f", "<5s", &four]),
        ("decode-axes", &["-f", "B", "--shape", "4", "--strides", "1,1", &four]),
        ("decode-folder", &["-f", "B", folder.path().to_str().unwrap()]),
    ];
    for (name, arguments) in pages {
        let output = run(arguments);
        let status = output.status.code().unwrap();
        let page = format!("{}---\n{}---\nexit status {status}\n", text(&output.stdout), text(&output.stderr));
        let hide = |text: String| text.replace(folder.path().to_str().unwrap(), "FOLDER");
        snapshot::check("cli", name, &hide(arguments.join(" ")), &hide(page));
    }
}

#[test]
fn strides_select_items_of_files_and_streams() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..600_u16).flat_map(u16::to_le_bytes).collect();
    let path = write_file(&folder, "numbers", &bytes);
    let shapes: &[(&[i64], &[i64])] = &[
        (&[5], &[2]),
        (&[5], &[-6]),
        (&[4, 3], &[2, 8]),
        (&[4, 3], &[-2, 40]),
        (&[4, 3, 2], &[2, 8, 24]),
        (&[4, 3, 2], &[-12, 4, -2]),
        (&[2, 3, 4], &[0, 4, 0]),
        (&[3, 1, 5], &[2, 1000, 2]),
        (&[1, 1], &[-400, 400]),
        (&[2, 2, 2, 2, 3], &[600, -300, 20, 140, 2]),
    ];
    for (shape, strides) in shapes {
        let origin = origin(shape, strides);
        let expected: String =
            offsets(origin, shape, strides).iter().map(|offset| format!("{}\n", offset / 2)).collect();
        let numbers = [origin.to_string(), comma_separated(shape), comma_separated(strides)];
        let [skip, shape, strides] = &numbers;
        let arguments = ["-f", "<H", "--to", "json", "--skip", skip, "--shape", shape, "--strides", strides];
        assert_eq!(stdout_of(&[&arguments[..], &[&path]].concat()), expected, "{arguments:?}");
        let stream = command(&[&arguments[..], &["-"]].concat()).stdin(File::open(&path).unwrap()).output().unwrap();
        assert_eq!(text(&stream.stdout), expected, "{arguments:?} of a stream");
    }
}

/// Each of the 100 items has 1 MiB and a block contains 32 items, so the command reads several blocks for each shape.
#[test]
fn strides_select_items_of_a_large_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    let mut file = File::create(&path).unwrap();
    file.set_len(100 << 20).unwrap();
    for index in 0..100_u64 {
        file.seek(SeekFrom::Start(index << 20)).unwrap();
        file.write_all(&u32::try_from(index).unwrap().to_le_bytes()).unwrap();
    }
    drop(file);
    let shapes: &[(&[i64], &[i64])] = &[
        (&[100], &[1]),
        (&[10, 10], &[1, 10]),
        (&[10, 10], &[10, -1]),
        (&[4, 5, 5], &[1, 4, 20]),
        (&[4, 5, 5], &[-1, 20, 4]),
        (&[2, 50], &[1, 2]),
        (&[50, 2], &[-2, -1]),
        (&[2, 2, 40], &[0, 1, 2]),
    ];
    for (shape, strides) in shapes {
        let origin = origin(shape, strides);
        let expected: String = offsets(origin, shape, strides).iter().map(|index| format!("{index}\n")).collect();
        let strides: Vec<i64> = strides.iter().map(|stride| stride << 20).collect();
        let numbers = [(origin << 20).to_string(), comma_separated(shape), comma_separated(&strides)];
        let [skip, shape, strides] = &numbers;
        let options = ["-f", "T{<I:index:1048572x}", "--to", "json", "--columns", "index"];
        let position = ["--skip", skip, "--shape", shape, "--strides", strides, path.to_str().unwrap()];
        let rows = stdout_of(&[&options[..], &position[..]].concat());
        assert_eq!(rows.replace("{\"index\":", "").replace('}', ""), expected, "{position:?}");
    }
}

#[test]
fn an_output_is_replaced_only_after_success() {
    let folder = tempfile::tempdir().unwrap();
    let four = write_file(&folder, "four", b"abcd");
    let out = write_file(&folder, "out", b"before");
    let names = || {
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let output = run(&["-f", "<3s", "--to", "csv", "--output", &out, &four]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(&out).unwrap(), b"before");
    assert_eq!(names(), ["four", "out"]);
    assert_eq!(stdout_of(&["-f", "<2s", "--to", "csv", "--output", &out, &four]), "");
    assert_eq!(fs::read(&out).unwrap(), b"value\nab\ncd\n");
    assert_eq!(stdout_of(&["-f", "<2s", "--to", "csv", "--output", "-", &four]), "value\nab\ncd\n");
    assert_eq!(names(), ["four", "out"]);
    let nowhere = Path::new(&out).join("below");
    assert_eq!(run(&["-f", "<2s", "-o", nowhere.to_str().unwrap(), &four]).status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_to_a_link_or_a_device_does_not_replace_it() {
    use std::os::unix::fs::FileTypeExt as _;
    let folder = tempfile::tempdir().unwrap();
    let four = write_file(&folder, "four", b"abcd");
    let real = write_file(&folder, "real", b"");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    stdout_of(&["-f", "<4s", "--to", "csv", "-o", link.to_str().unwrap(), &four]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&real).unwrap(), b"value\nabcd\n");
    stdout_of(&["-f", "<4s", "--to", "csv", "-o", "/dev/null", &four]);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    let full = run(&["-f", "<4s", "-o", "/dev/full", &four]);
    assert_eq!((full.status.code(), text(&full.stderr).contains("No space left")), (Some(1), true));
    // The system reports the length 0 for a file in /proc, but the file has contents.
    assert!(stdout_of(&["-f", "c", "--to", "json", "/proc/self/cmdline"]).starts_with("\"/\"\n"));
}

/// The command writes a row as soon as its item arrives. It does not wait for the end of the stream.
#[test]
fn each_item_of_a_slow_stream_is_printed_at_once() {
    use std::io::{BufRead as _, BufReader};
    let mut child = command(&["-f", "<H", "--to", "json", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in [7_u16, 8, 9] {
        stdin.write_all(&number.to_le_bytes()).unwrap();
        assert_eq!(rows.next().unwrap().unwrap(), number.to_string());
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// On these machines the command refuses to write Arrow files, because arrow-ipc declares every file little-endian.
#[cfg(all(feature = "arrow", target_endian = "big"))]
#[test]
fn big_endian_machines_write_no_arrow_files() {
    let folder = tempfile::tempdir().unwrap();
    let input = write_file(&folder, "four", b"abcd");
    let output = run(&["-f", "<i", "--to", "arrow", &input]);
    assert_eq!(text(&output.stderr), "error: an Arrow file is written on little-endian machines only\n");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

#[cfg(all(feature = "arrow", target_endian = "little"))]
mod arrow {
    use arrow_array::RecordBatch;
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Float64Type, Int16Type, UInt16Type, UInt32Type};
    use arrow_ipc::reader::FileReader;

    use super::*;

    /// Returns the batches of an Arrow file.
    fn read(path: &Path) -> Vec<RecordBatch> {
        FileReader::try_new(File::open(path).unwrap(), None).unwrap().map(Result::unwrap).collect()
    }

    /// Returns the bytes of `count` items of `FORMAT`.
    fn records(count: u32) -> Vec<u8> {
        let record = |n: u32| [&n.to_le_bytes()[..], &f64::from(n).to_be_bytes(), &[1, 0, 2, 0], b"ab"].concat();
        (0..count).flat_map(record).collect()
    }

    const FORMAT: &str = "T{<I:id:T{>d:x:(2)<h:m:}:in:2s:s:}";

    #[test]
    fn a_file_becomes_an_arrow_file_of_several_batches() {
        let folder = tempfile::tempdir().unwrap();
        let input = write_file(&folder, "records", &records(150_000));
        let out = folder.path().join("out.arrow");
        let out_name = out.to_str().unwrap();
        // If two files are given, the file whose name ends in .arrow is the output.
        for files in [[out_name, &input], [&input, out_name]] {
            assert_eq!(stdout_of(&["-f", FORMAT, "--to", "arrow", files[0], files[1]]), "");
            let batches = read(&out);
            assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [65536, 65536, 18928]);
            let last = &batches[2];
            let nested = last.column(1).as_struct();
            assert_eq!(last.column(0).as_primitive::<UInt32Type>().value(18_927), 149_999);
            assert_eq!(nested.column(0).as_primitive::<Float64Type>().value(18_927), 149_999.0);
            let lists = nested.column(1).as_fixed_size_list();
            assert_eq!(lists.values().as_primitive::<Int16Type>().values()[..4], [1, 2, 1, 2]);
            assert_eq!(last.column(2).as_fixed_size_binary().value(0), b"ab");
            fs::remove_file(&out).unwrap();
        }
        // Without an output file, the command writes the same bytes to standard output.
        let piped = run(&["-f", FORMAT, "--to", "arrow", "--count", "3", &input]);
        fs::write(&out, &piped.stdout).unwrap();
        assert_eq!(read(&out)[0].num_rows(), 3);
        // A file without items contains a schema and no batch.
        stdout_of(&["-f", FORMAT, "--to", "arrow", "--count", "0", "-o", out_name, &input]);
        assert!(read(&out).is_empty());
    }

    #[test]
    fn only_the_chosen_columns_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let input = write_file(&folder, "records", &records(3));
        let out = folder.path().join("out");
        let names = |chosen: &str| -> Vec<String> {
            stdout_of(&["-f", FORMAT, "--to", "arrow", "-o", out.to_str().unwrap(), "--columns", chosen, &input]);
            read(&out)[0].schema().fields().iter().map(|field| field.name().clone()).collect()
        };
        assert_eq!(names("s,in"), ["s", "in.x", "in.m"]);
        assert_eq!(read(&out)[0].column(1).as_primitive::<Float64Type>().values(), &[0.0, 1.0, 2.0]);
        assert_eq!(names("id"), ["id"]);
        assert_eq!(read(&out)[0].column(0).as_primitive::<UInt32Type>().values(), &[0, 1, 2]);
    }

    #[test]
    fn strided_items_and_arrays_of_records_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let input = write_file(&folder, "numbers", &(0..24_u16).flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        let out = folder.path().join("out");
        let out_name = out.to_str().unwrap();
        stdout_of(&["-f", "<H", "--to", "arrow", "--shape", "3,4", "--strides", "2,6", "-o", out_name, &input]);
        let expected = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11];
        assert_eq!(read(&out)[0].column(0).as_primitive::<UInt16Type>().values(), &expected);
        let format = "T{<H:a:(2)T{<H:x:<H:y:}:r:<H:z:}";
        stdout_of(&["-f", format, "--to", "arrow", "--columns", "z,r", "-o", out_name, &input]);
        let batch = &read(&out)[0];
        assert_eq!(batch.column(0).as_primitive::<UInt16Type>().values(), &[5, 11, 17, 23]);
        let records = batch.column(1).as_fixed_size_list().values();
        assert_eq!(records.as_struct().column(1).as_primitive::<UInt16Type>().values()[..3], [2, 4, 8]);
    }

    /// The command refuses a field without an Arrow type with an error that names the field, and writes no output. It
    /// also refuses text that is not Unicode.
    #[test]
    fn values_without_an_arrow_type_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let input = write_file(&folder, "records", &records(3));
        let out = folder.path().join("out.arrow");
        let out_name = out.to_str().unwrap();
        let pages: &[(&str, &[&str], i32)] = &[
            ("arrow-too-long", &["-f", "T{<i:a:(2147483648)B:y:}", "-m", "lp64", "-o", out_name, &input], 1),
            ("arrow-text", &["-f", "T{<H:n:<w:t:}", "-o", out_name, &input], 1),
            ("arrow-left", &["-f", "<5s", "-o", out_name, &input], 1),
            ("arrow-no-input", &["-f", "<4s", out_name], 2),
            ("arrow-two-inputs", &["-f", "<4s", &input, &input], 2),
            ("arrow-no-column", &["-f", FORMAT, "--columns", "y", "-o", out_name, &input], 1),
        ];
        for (name, arguments, status) in pages {
            let output = run(&[&["--to", "arrow"][..], arguments].concat());
            if *name == "arrow-too-long" && usize::BITS < 64 {
                assert_eq!(text(&output.stderr), "error: there is no memory for 2147483652 bytes\n");
                continue;
            }
            let hide = |text: String| text.replace(folder.path().to_str().unwrap(), "FOLDER");
            snapshot::check("cli", name, &hide(arguments.join(" ")), &hide(text(&output.stderr)));
            assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(*status), &b""[..]), "{name}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
        }
        // Without that field, the next error is that the input is too short.
        let format = "T{<i:a:(2147483648)B:y:}";
        let rest = run(&["-f", format, "-m", "lp64", "--to", "arrow", "--columns", "a", "-o", out_name, &input]);
        let message = match usize::BITS {
            64 => "error: 54 bytes left over after 0 items",
            _ => "error: there is no memory for 2147483652 bytes",
        };
        assert!(text(&rest.stderr).starts_with(message), "{}", text(&rest.stderr));
        // Only with `--to arrow` or `--to parquet`, the second argument can be the file to write.
        assert_eq!(run(&["-f", "<4s", "--to", "csv", &input, out_name]).status.code(), Some(2));
    }
}
