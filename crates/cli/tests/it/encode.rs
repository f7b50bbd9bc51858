//! Tests of `encode`: the values that `decode` prints become the original bytes, values that do not fit are refused,
//! and slow or endless input is handled.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use arbitrary::Unstructured;
use pep3118::decode::Plan;
use pep3118::{DataModel, Dialect, Layout, reconcile};

use crate::snapshot;

/// Runs the command with `input` as its standard input.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = crate::command::pep3118()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A command that refuses its arguments ends before it reads its input.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

/// Runs a command that must succeed without a message, and returns the standard output.
fn stdout_of(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let output = run(arguments, input);
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    assert!(output.status.success(), "{arguments:?}");
    output.stdout
}

/// Runs a command that must fail with status 1, and returns the message.
fn message_of(arguments: &[&str], input: &[u8]) -> String {
    let output = run(arguments, input);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stderr)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Encodes the JSON lines `input` as items of `format`.
fn encoded(format: &str, input: &str) -> Vec<u8> {
    stdout_of(&["encode", format], input.as_bytes())
}

/// Checks that `decode | encode` returns the bytes `items`, with JSON lines and with CSV between the commands. `more`
/// are additional options of both commands.
fn assert_inverse(format: &str, items: &[u8], more: &[&str]) {
    for kind in ["jsonl", "csv"] {
        let printed = stdout_of(&[&["decode", "-", format, "--to", kind], more].concat(), items);
        let encoded = stdout_of(&[&["encode", format, "--from", kind], more].concat(), &printed);
        assert_eq!(encoded, items, "{format} {more:?} as {kind}: {}", text(&printed));
    }
}

/// A test case: a format, its layout, and the bytes of three items.
pub(crate) struct Case {
    pub(crate) format: String,
    pub(crate) layout: Layout,
    pub(crate) items: Vec<u8>,
    /// The options with which the commands read `format` as `layout`.
    pub(crate) options: Vec<String>,
}

/// Draws a random test case from `bytes`. Returns `None` if the commands cannot read the format without another option.
/// Returns an error if `bytes` runs out.
pub(crate) fn draw_case(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Option<Case>> {
    let model = pep3118::arbitrary::data_model(bytes)?;
    let (format, layout) = pep3118::arbitrary::layout(bytes, &Dialect::PEP3118, &model)?;
    let is_known = DataModel::ALL.iter().any(|model| model == layout.model());
    let found = reconcile(format.as_bytes(), Some(layout.size()), Some(&Dialect::PEP3118), layout.model());
    let Some(found) = found.ok().filter(|_| is_known && layout.size() > 0) else { return Ok(None) };
    let mut items = vec![0; 3 * usize::try_from(layout.size()).unwrap()];
    bytes.fill_buffer(&mut items)?;
    let size = layout.size().to_string();
    let options = ["-d", "pep3118", "-m", layout.model().name, "-i", &size].map(str::to_owned).to_vec();
    Ok(Some(Case { format, layout: found.layout, items, options }))
}

/// Returns 8192 pseudo-random bytes, and advances `state`. The bytes depend only on `state`, so every run of the tests
/// has the same bytes.
pub(crate) fn random_bytes(state: &mut u64) -> Vec<u8> {
    let mut byte = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..8192).map(|_| byte()).collect()
}

/// Returns the dotted names of the columns of `layout`. Returns `None` if the option `--columns` cannot select them: no
/// column, two columns with one name, or a name that is empty or has a comma.
fn column_names(layout: &Layout) -> Option<Vec<String>> {
    fn collect(field: pep3118::Field<'_>, name: Option<&str>, names: &mut Vec<String>) {
        if field.ty() != pep3118::Type::Record || !field.shape().is_empty() {
            names.push(name.unwrap_or("value").to_owned());
            return;
        }
        for (index, member) in field.fields().enumerate() {
            let own = member.name_text().map_or_else(|| format!("f{index}"), |name| name.to_string());
            let dotted = name.map_or_else(|| own.clone(), |name| format!("{name}.{own}"));
            collect(member, Some(&dotted), names);
        }
    }
    let mut names: Vec<String> = Vec::new();
    collect(layout.item(), None, &mut names);
    let unique: std::collections::BTreeSet<&String> = names.iter().collect();
    let is_usable = !names.is_empty()
        && unique.len() == names.len()
        && names.iter().all(|name| !name.is_empty() && !name.contains(','));
    is_usable.then_some(names)
}

/// The options of `decode` and of `encode` with which `decode | encode` is the identity.
const MODES: &[(&[&str], &[&str])] = &[
    (&["--to", "jsonl"], &["--from", "jsonl"]),
    (&["--to", "csv"], &["--from", "csv"]),
    (&["--to", "csv", "--csv-safe"], &["--from", "csv", "--csv-safe"]),
    (&["--to", "jsonl", "--hex"], &["--from", "jsonl", "--hex"]),
    (&["--to", "csv", "--hex"], &["--from", "csv", "--hex"]),
    (&["--to", "jsonl", "--text"], &["--from", "jsonl", "--text"]),
    (&["--to", "csv", "--text"], &["--from", "csv", "--text"]),
    (&["--to", "jsonl", "--columns"], &["--from", "jsonl"]),
    (&["--to", "csv", "--columns"], &["--from", "csv"]),
];

/// Draws a layout and items, and checks that `decode | encode` restores the values of the items, in each of `MODES`.
/// Returns an error if the random bytes run out. Returns the number of modes that were checked.
fn check_layout(bytes: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    let Some(Case { format, layout, items, options }) = draw_case(bytes)? else { return Ok(0) };
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let columns = column_names(&layout).map(|names| names.join(","));
    let mut checked = 0;
    for (to, from) in MODES {
        let mut decode = [&["decode", "-", format.as_str()], *to, &options[..]].concat();
        if let Some(place) = decode.iter().position(|option| *option == "--columns") {
            let Some(columns) = &columns else { continue };
            decode.insert(place + 1, columns);
        }
        let encode = [&["encode", format.as_str()], *from, &options[..]].concat();
        let printed = stdout_of(&decode, &items);
        let encoded = stdout_of(&encode, &printed);
        assert_eq!(encoded.len(), items.len(), "{format} {to:?}: {}", text(&printed));
        assert_eq!(text(&stdout_of(&decode, &encoded)), text(&printed), "{format} {to:?}");
        // A long double is printed with the precision of a double. `--text` leaves out the NULs at the end of bytes.
        if !format.contains('g') {
            assert_eq!(values(&layout, &encoded), values(&layout, &items), "{format} {to:?}");
        }
        checked += 1;
    }
    Ok(checked)
}

/// Returns the values of `items` as texts. All NaNs have the same text.
fn values(layout: &Layout, items: &[u8]) -> Vec<String> {
    let plan = Plan::new(layout).unwrap();
    plan.values(items).unwrap().map(|value| format!("{value:?}")).collect()
}

#[test]
fn generated_layouts_are_encoded_to_the_same_values() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut checked = 0;
    for _ in 0..48 {
        checked += check_layout(&mut Unstructured::new(&random_bytes(&mut state))).unwrap();
    }
    assert!(checked > 48 * MODES.len() / 4, "{checked}");
}

/// The keys that `decode --columns` writes are dotted names.
#[test]
fn keys_of_selected_columns_are_dotted_names() {
    let format = "T{<H:id:T{>d:x:(2)<h:m:T{B:y:}:deep:}:in:4s:s:}";
    let items: Vec<u8> = (0..38).collect();
    let select = |columns: &str| stdout_of(&["decode", "-", format, "--columns", columns, "--to", "jsonl"], &items);
    for columns in ["id,in,s", "s,in.deep.y,in.m,in.x,id"] {
        let printed = select(columns);
        assert!(text(&printed).contains("\"in.deep.y\":"), "{}", text(&printed));
        assert_eq!(stdout_of(&["encode", format], &printed), items, "{columns}");
    }
    // The two kinds of lines can be mixed.
    let nested = stdout_of(&["decode", "-", format, "--to", "jsonl"], &items);
    let mixed = [&select("id,in,s")[..], &nested, &select("in,s,id")].concat();
    assert_eq!(stdout_of(&["encode", format], &mixed), items.repeat(3));
    let message = |line: &str| message_of(&["encode", format], line.as_bytes());
    let line = "{\"id\":1,\"in.x\":1,\"in.m\":[1,2],\"in.deep.y\":3,\"s\":\"\"}";
    let changed = |from: &str, to: &str| message(&line.replace(from, to));
    assert_eq!(changed("\"id\":1,", ""), "error: line 1: field `id` is missing\n");
    assert_eq!(changed("\"id\":1", "\"in.x\":1"), "error: line 1: field `in.x` is given twice\n");
    assert!(changed("in.m", "in.n").starts_with("error: line 1: no field is named `in.n`; "));
    let range = "300 is not in the range 0 to 255 of uint8";
    assert_eq!(changed(":3", ":300"), format!("error: line 1: field `in.deep.y`: {range}\n"));
    let length = "field `in.m`: 1 value for 2 elements";
    assert_eq!(changed("[1,2]", "[1]"), format!("error: line 1: {length}\n"));
    let single = stdout_of(&["decode", "-", "<H", "--columns", "value", "--to", "jsonl"], &[1, 2]);
    assert_eq!(text(&single), "{\"value\":513}\n");
    assert_eq!(stdout_of(&["encode", "<H"], &single), [1, 2]);
}

#[test]
fn every_byte_of_strings_is_encoded_to_the_same_byte() {
    let all: Vec<u8> = (0..=255).collect();
    for format in ["4s", "c", "(4)c", "T{2s:a:(2)c:b:}"] {
        assert_inverse(format, &all, &[]);
        assert_inverse(format, &all, &["--hex"]);
    }
    assert_inverse("(2,4)B", &all, &["--hex=value"]);
    assert_inverse("4s", &all, &["--text"]);
    assert_inverse("(2,4)c", &all, &["--text"]);
    assert_inverse("T{c:a:c:b:}", &all, &["--text"]);
    assert_inverse("3p", b"\x02ab\x01\0\0\0\0\0\x02\\\xff", &["--text"]);
}

#[test]
fn text_with_backslashes_and_controls_is_encoded_to_the_same_text() {
    for text in
        ["\\n", "\n\t", "C:\\dir", "\u{202e}a", "é数", "\u{301}", "'\"", "{\"units\":[1]}", "=1+1", "\\u{41}", ""]
    {
        let mut units: Vec<u8> = text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
        units.resize(4 * 16, 0);
        assert_inverse("<16w", &units, &[]);
        assert_inverse("<(2)8w", &units, &[]);
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(16, 0);
        assert_inverse("16s", &bytes, &["--text"]);
        assert_inverse("(2)8s", &bytes, &["--text"]);
    }
    // A lone surrogate and a unit above U+10FFFF.
    assert_inverse("<2w", &[0, 0xd8, 0, 0, 0xff, 0xff, 0xff, 0xff], &[]);
    assert_inverse("<2u", &[0, 0xd8, 1, 0], &["-m", "llp64", "-d", "ctypes"]);
}

#[test]
fn extreme_numbers_are_encoded_to_the_same_bytes() {
    // `7.038531e-26` is rounded wrongly if the digits are rounded to a double first.
    let singles: Vec<u8> =
        [7.038_531e-26_f32, f32::MAX, f32::MIN_POSITIVE, 1e-45, -0.0, 0.1, f32::INFINITY, 16_777_217.0]
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
    assert_inverse("<f", &singles, &[]);
    assert_inverse("<Zf", &singles, &[]);
    let doubles: Vec<u8> = [f64::MAX, 5e-324, -0.0, 0.1, f64::NEG_INFINITY, f64::NAN, 2.0_f64.powi(63), 1e23]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    assert_inverse("<d", &doubles, &[]);
    assert_inverse("T{<Zd:z:(2)<d:m:}", &doubles, &[]);
    let halves: Vec<u8> = (0..=0x7c00_u16).step_by(31).flat_map(u16::to_le_bytes).collect();
    assert_inverse("<e", &halves, &[]);
    assert_inverse("<q", &[i64::MIN.to_le_bytes(), i64::MAX.to_le_bytes()].concat(), &[]);
    assert_inverse("<Q", &[u64::MIN.to_le_bytes(), u64::MAX.to_le_bytes()].concat(), &[]);
    assert_inverse("P", &[u64::MIN.to_le_bytes(), u64::MAX.to_le_bytes()].concat(), &["-m", "lp64"]);
    assert_inverse("?", &[0, 1], &[]);
}

#[test]
fn long_doubles_are_encoded_with_the_precision_of_a_double() {
    // 1.5, -infinity and 0.
    let mut items = vec![0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f, 0, 0, 0, 0, 0, 0];
    items.extend([0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff, 0, 0, 0, 0, 0, 0]);
    items.extend([0; 16]);
    items.extend([0; 16]);
    assert_inverse("g", &items, &["-m", "lp64"]);
    assert_inverse("Zg", &items, &["-m", "lp64"]);
    // A double has no bit for the last bit of this significand.
    let mut precise = items[..16].to_vec();
    precise[0] = 1;
    let printed = stdout_of(&["decode", "-", "g", "-m", "lp64", "--to", "jsonl"], &precise);
    assert_eq!(stdout_of(&["encode", "g", "-m", "lp64"], &printed), items[..16]);
}

#[test]
fn padding_is_zero() {
    let items = stdout_of(&["encode", "T{b:a:xxx<i:b:2x}"], b"{\"a\":-1,\"b\":-1}\n");
    assert_eq!(items, [0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    assert_inverse("4x", &[0; 8], &[]);
}

#[test]
fn names_of_fields_are_those_of_decode() {
    let items: Vec<u8> = (0..12).collect();
    assert_inverse("<Ih", &items, &["--names", "id,t"]);
    assert_inverse("<I", &items, &["--names", "id"]);
    assert_inverse("T{<I:id:<h}", &items, &["--names", "t"]);
    assert_inverse("T{<h:a:<h:a:<h:f2:<h}", &items[..8], &[]);
    assert_inverse("T{<h:a:T{<h:x:(2)T{b:y:B:y:}:r:}:in:}", &items[..8], &[]);
}

#[test]
fn hostile_names_are_encoded_to_the_same_bytes() {
    let names = [
        "\u{1b}[31mx",
        "a\rb",
        "a\nb",
        "\u{202e}abc",
        "\u{2028}",
        "</script>",
        "\"quoted\\",
        "é数ไม้",
        "=1+1",
        "@x",
        "-5",
        "a,b",
        "a.b",
        "",
        " ",
        "\u{feff}",
        "'=1",
    ];
    let fields: String = names.iter().map(|name| format!("B:{name}:")).collect();
    let items: Vec<u8> = (0..u8::try_from(2 * names.len()).unwrap()).collect();
    let format = format!("T{{{fields}}}");
    assert_inverse(&format, &items, &[]);
    let printed = stdout_of(&["decode", "-", &format, "--to", "csv", "--csv-safe"], &items);
    assert_eq!(stdout_of(&["encode", &format, "--from", "csv", "--csv-safe"], &printed), items);
}

#[test]
fn cells_that_are_safe_in_a_spreadsheet_are_encoded_to_the_same_bytes() {
    let items = b"=1+1@x  -5  -x  '=a ''=b'5  +1  a=b ";
    let printed = stdout_of(&["decode", "-", "4s", "--to", "csv", "--csv-safe"], items);
    assert_eq!(text(&printed), "value\n'=1+1\n'@x  \n'-5  \n'-x  \n''=a \n'''=b\n'5  \n'+1  \na=b \n");
    assert_eq!(stdout_of(&["encode", "4s", "--from", "csv", "--csv-safe"], &printed), items);
    let numbers = stdout_of(&["decode", "-", "b", "--to", "csv", "--csv-safe"], &[0xff, 5]);
    assert_eq!(text(&numbers), "value\n-1\n5\n");
}

#[test]
fn fields_can_be_in_any_order() {
    assert_eq!(encoded("T{B:a:B:b:B:c:}", "{\"c\":3,\"a\":1,\"b\":2}"), [1, 2, 3]);
    assert_eq!(encoded("T{B:a:B:b:B:c:}", "\u{feff}{\"a\":1,\"c\":3,\"b\":2}\r\n\n  \n"), [1, 2, 3]);
    let csv = "c,a,b\r\n3,1,2\r\n\r\n\"6\",4, 5 \r\n";
    assert_eq!(stdout_of(&["encode", "T{B:a:B:b:B:c:}", "--from", "csv"], csv.as_bytes()), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn other_spellings_of_numbers_are_read() {
    assert_eq!(encoded("B", "7.0\n1e1\n-0\n"), [7, 10, 0]);
    assert_eq!(encoded("<d", "1\n-2\n"), [1.0_f64.to_le_bytes(), (-2.0_f64).to_le_bytes()].concat());
    assert_eq!(encoded("?", "true\n0\n"), [1, 0]);
    let csv = |format: &str, cells: &str| stdout_of(&["encode", format, "--from", "csv"], cells.as_bytes());
    assert_eq!(csv("?", "value\nTrue\nFALSE\n1\n"), [1, 0, 1]);
    assert_eq!(csv("<f", "value\n+1.5\n.5\n-Infinity\n").len(), 12);
}

#[test]
fn messages_name_the_line_the_field_and_the_value() {
    let record = "T{<H:id:>d:price:T{B:x:(2)b:m:}:in:3s:tag:}";
    let good = "{\"id\":1,\"price\":1.5,\"in\":{\"x\":1,\"m\":[1,2]},\"tag\":\"ab\"}\n";
    let changed = |from: &str, to: &str| [good, &good.replace(from, to)].concat();
    let csv = "id,price,in.x,in.m,tag\n1,1.5,1,\"[1,2]\",ab\n";
    let pages: &[(&[&str], String)] = &[
        (&[record], changed("\"id\":1", "\"id\":65536")),
        (&[record], changed("\"id\":1", "\"id\":99999999999999999999999999999999999999999")),
        (&[record], changed("\"x\":1", "\"x\":-1")),
        (&[record], changed("[1,2]", "[1,128]")),
        (&[record], changed("[1,2]", "[1]")),
        (&[record], changed("[1,2]", "[1,2,3]")),
        (&[record], changed("\"id\":1", "\"id\":1.5")),
        (&[record], changed("1.5", "\"1.5\"")),
        (&[record], changed("1.5", "null")),
        (&[record], changed("{\"x\":1,\"m\":[1,2]}", "[1,2]")),
        (&[record], changed("ab", "abcd")),
        (&[record], changed("ab", "\\\\q")),
        (&[record], changed("price", "prise")),
        (&[record], changed(",\"tag\":\"ab\"", "")),
        (&[record], changed("\"tag\":\"ab\"", "\"id\":2")),
        (&[record], changed("}\n", "\n")),
        (&[record], "[1]\n".to_owned()),
        (&["<f"], "1e39\n".to_owned()),
        (&["<Ze"], "[65520,0]\n".to_owned()),
        (&["T{4s:a:}", "--hex"], "{\"a\":\"0011zz33\"}\n".to_owned()),
        (&["T{4s:a:}", "--hex"], "{\"a\":\"0011\"}\n".to_owned()),
        (&[record, "--from", "csv"], [csv, "2,1,256,\"[1,2]\",a\n"].concat()),
        (&[record, "--from", "csv"], [csv, "2,1,1,\"[1,true]\",a\n"].concat()),
        (&[record, "--from", "csv"], [csv, "2,1,1\n"].concat()),
        (&[record, "--from", "csv"], [csv, "2,,1,\"[1,2]\",a\n"].concat()),
        (&[record, "--from", "csv"], csv.replace("price", "prise")),
        (&[record, "--from", "csv"], csv.replace(",tag", "")),
        (&[record, "--from", "csv"], csv.replace("tag", "id")),
        (&[record, "--from", "csv"], String::new()),
        (&["0s"], String::new()),
        (&["1000000000000B"], "[]".to_owned()),
    ];
    let mut page = String::new();
    for (arguments, input) in pages {
        let message = message_of(&[&["encode"], *arguments].concat(), input.as_bytes());
        page += &format!("encode {}\n{}\n{message}\n", arguments.join(" "), input.lines().last().unwrap_or_default());
    }
    snapshot::check("cli", "encode-errors", "the last line of each input", &page);
    #[cfg(feature = "arrow")]
    snapshot::check("cli", "encode-help", "encode --help", &text(&stdout_of(&["encode", "--help"], b"")));
}

#[test]
fn the_nearest_name_fits() {
    let message = message_of(&["encode", "T{B:id:B:price:}"], b"{\"id\":1,\"prise\":2}\n");
    let near = message.rsplit('`').nth(1).unwrap();
    assert_eq!(encoded("T{B:id:B:price:}", &format!("{{\"id\":1,\"{near}\":2}}")), [1, 2]);
    // The suggested name is the name of the only field without a value.
    let message = message_of(&["encode", "4B"], b"{\"f9\":1}\n");
    assert!(message.contains("record") || message.contains("array"), "{message}");
    let message = message_of(&["encode", "BBB"], b"{\"f0\":1,\"f1\":1,\"f5\":1}\n");
    assert!(message.ends_with("help: the nearest name is `f2`\n"), "{message}");
}

#[test]
fn the_ending_of_the_file_selects_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("rows.csv"), "value\n7\n").unwrap();
    fs::write(path("rows.CSV"), "value\n7\n").unwrap();
    fs::write(path("rows.jsonl"), "7\n").unwrap();
    fs::write(path("rows"), "7\n").unwrap();
    for name in ["rows.csv", "rows.CSV", "rows.jsonl", "rows"] {
        assert_eq!(stdout_of(&["encode", "B", &path(name)], b""), [7], "{name}");
    }
    assert_eq!(stdout_of(&["encode", "B", &path("rows"), "-o", &path("out")], b""), b"");
    assert_eq!(fs::read(path("out")).unwrap(), [7]);
    for arguments in [&[path("rows"), "B".to_owned()][..], &[path("rows")]] {
        let arguments: Vec<&str> = std::iter::once("encode").chain(arguments.iter().map(String::as_str)).collect();
        let swapped = message_of(&arguments, b"");
        assert!(swapped.ends_with("help: the format is before the file: `encode FORMAT FILE`\n"), "{swapped}");
    }
    assert_eq!(run(&["encode", "B", &path("rows"), "--csv-safe"], b"").status.code(), Some(2));
}

#[test]
fn an_error_leaves_the_output_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::write(&out, "before").unwrap();
    message_of(&["encode", "B", "-o", out.to_str().unwrap()], b"1\n2\n300\n");
    assert_eq!(fs::read(&out).unwrap(), b"before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn an_output_that_is_the_input_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("in"), "1\n").unwrap();
    std::os::unix::fs::symlink("in", path("link")).unwrap();
    fs::hard_link(path("in"), path("hard")).unwrap();
    for output in ["in", "./in", "link", "hard"] {
        let mut command = crate::command::pep3118();
        let refused = command.args(["encode", "B", "in", "-o", output]).current_dir(folder.path()).output().unwrap();
        let message = text(&refused.stderr);
        assert!(message.starts_with(&format!("error: {output} is the input")), "{message}");
        assert_eq!(fs::read_to_string(path("in")).unwrap(), "1\n");
    }
}

/// Items are written before the input ends.
#[test]
fn lines_of_a_slow_stream_are_encoded_at_once() {
    use std::io::Read as _;
    let mut command = crate::command::pep3118();
    let mut child = command.args(["encode", "B"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    for number in [7_u8, 8, 9] {
        writeln!(stdin, "{number}").unwrap();
        let mut item = [0];
        stdout.read_exact(&mut item).unwrap();
        assert_eq!(item, [number]);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn rows_of_a_slow_stream_of_csv_are_encoded_at_once() {
    use std::io::Read as _;
    let mut command = crate::command::pep3118();
    command.args(["encode", "B", "--from", "csv"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut read = |number: u8| {
        let mut item = [0];
        stdout.read_exact(&mut item).unwrap();
        assert_eq!(item, [number]);
    };
    writeln!(stdin, "value").unwrap();
    for number in [7_u8, 8, 9] {
        writeln!(stdin, "{number}").unwrap();
        read(number);
    }
    // The first row is written although the second row has no end.
    write!(stdin, "10\n1").unwrap();
    read(10);
    drop(stdin);
    read(1);
    assert!(child.wait().unwrap().success());
}

#[test]
fn messages_have_the_number_of_the_line_of_csv() {
    let line = |input: &str| {
        let message = message_of(&["encode", "T{B:a:4s:b:}", "--from", "csv"], input.as_bytes());
        message.strip_prefix("error: line ").unwrap().split(':').next().unwrap().to_owned()
    };
    assert_eq!(line("a,b\nx,y\n"), "2");
    assert_eq!(line("a,b\n\n\nx,y"), "4");
    assert_eq!(line("a,b\r\n\r\n\r\nx,y\r\n"), "4");
    assert_eq!(line("\n\nc,b\n1,y\n"), "3");
    // A quoted cell has line feeds. The message has the first line of the row.
    assert_eq!(line("a,b\n1,\"\n\n\"\n\nx,\"\n\"\n2,y\n"), "6");
}

#[test]
fn a_float16_is_rounded_once() {
    // The result of `struct.pack("<e", 1.000488281250001)`. A float32 has no bit for the last digit.
    assert_eq!(encoded("<e", "1.000488281250001\n1.00048828125\n-1.000488281250001\n"), [1, 60, 0, 60, 1, 188]);
    // 2^-14 - 2^-25 is a tie, and the even float16 is 2^-14.
    assert_eq!(encoded("<e", "0.0000610053539276123046875\n"), [0, 4]);
    assert_eq!(encoded("<Ze", "[1.000488281250001,0]"), [1, 60, 0, 0]);
    assert_eq!(encoded("<e", "65519.99\n\"-Infinity\"\n"), [0xff, 0x7b, 0, 0xfc]);
}

#[test]
fn other_names_and_signs_of_numbers_are_refused() {
    let csv = |format: &str, cell: &str| {
        message_of(&["encode", format, "--from", "csv"], format!("value\n{cell}\n").as_bytes())
    };
    assert_eq!(csv("P", "0x-1"), "error: line 2: field `value`: `0x-1` is not a value of type pointer\n");
    assert_eq!(csv("P", "0x+1"), "error: line 2: field `value`: `0x+1` is not a value of type pointer\n");
    for name in ["-inf", "+infinity", "-nan"] {
        let message = format!("error: line 2: field `value`: `{name}` is not a value of type float64\n");
        assert_eq!(csv("<d", name), message);
    }
}

/// A line or row without an end is refused before it fills the memory.
#[cfg(target_os = "linux")]
#[test]
fn an_endless_line_is_refused() {
    for from in ["jsonl", "csv"] {
        let message = message_of(&["encode", "B", "--from", from, "/dev/zero"], b"");
        assert!(message.contains("is longer than 67108928 bytes"), "{message}");
    }
    assert!(Path::new("/dev/zero").exists());
}

#[test]
fn dates_are_iso_text_and_are_read_back() {
    let format = "T{>[datetime64$ms]:at:(2)<[datetime64$D]:days:[datetime64$Y]:y:[timedelta64$s]:for:}";
    let item = |at: i64, days: [i64; 2], year: i64, seconds: i64| {
        let rest = [days[0], days[1], year, seconds].map(i64::to_le_bytes).concat();
        [at.to_be_bytes().as_slice(), &rest].concat()
    };
    let items = [item(1_795_845_904_003, [0, -1], 56, 7), item(i64::MIN, [i64::MIN, 1], -1971, -8)].concat();
    let json = stdout_of(&["decode", "-", format, "--to", "jsonl"], &items);
    assert_eq!(
        text(&json),
        "{\"at\":\"2026-11-28T06:05:04.003\",\"days\":[\"1970-01-01\",\"1969-12-31\"],\"y\":\"2026\",\"for\":7}\n\
         {\"at\":\"NaT\",\"days\":[\"NaT\",\"1970-01-02\"],\"y\":\"-0001\",\"for\":-8}\n"
    );
    assert_eq!(stdout_of(&["encode", format], &json), items);
    let csv = stdout_of(&["decode", "-", format, "--to", "csv"], &items);
    assert!(text(&csv).contains("\n2026-11-28T06:05:04.003,"), "{}", text(&csv));
    assert_eq!(stdout_of(&["encode", format, "--from", "csv"], &csv), items);
    let format = "[datetime64$s]";
    assert_eq!(stdout_of(&["encode", format], b"\"1970-01-02\"\n5\n")[..9], [0x80, 0x51, 1, 0, 0, 0, 0, 0, 5]);
    assert_eq!(
        message_of(&["encode", format], b"\"1970-02-30\""),
        "error: line 1: `1970-02-30` is not a date of datetime64$s; an example is `1970-01-01T00:00:00`\n"
    );
}

#[cfg(all(feature = "arrow", target_endian = "little"))]
mod arrow {
    use super::*;

    /// Decodes `items` to an Arrow file and returns the bytes of the file. Returns `None` if the command fails, for
    /// example because a field has no Arrow type or a text is not Unicode.
    fn arrow_file(format: &str, items: &[u8], options: &[&str]) -> Option<Vec<u8>> {
        let output = run(&[&["decode", "-", format, "--to", "arrow"], options].concat(), items);
        output.status.success().then_some(output.stdout)
    }

    /// Checks that `decode | encode` returns the bytes `items`, with an Arrow file between the commands. `options` are
    /// additional options of both commands.
    fn assert_inverse(format: &str, items: &[u8], options: &[&str]) {
        let file = arrow_file(format, items, options).unwrap();
        let encoded = stdout_of(&[&["encode", format, "--from", "arrow"], options].concat(), &file);
        assert_eq!(encoded, items, "{format} {options:?}");
    }

    #[test]
    fn rows_of_arrow_files_are_encoded_to_the_same_bytes() {
        let items: Vec<u8> = (0..=239).collect();
        for format in [
            "T{<I:id:T{>d:x:(2)<h:m:}:in:4s:s:}",
            "<IhBd8sb",
            "(3,4)>H",
            "(2)T{<H:a:(2)T{b:x:B:y:}:b:}",
            "T{c:a:4p:b:(3)c:c:}",
            "<Zd",
            "<Ze",
            "e",
            "T{B:a:T{B:a:B:b:}:f0:B}",
            "T{<H:a:<H:a:}",
            "8B",
            "T{[datetime64$ns]:a:[timedelta64$us]:b:[datetime64$h]:c:}",
        ] {
            assert_inverse(format, &items, &["-d", "pep3118"]);
        }
        // A long double keeps all digits, unlike in JSON and CSV.
        let long_double = [&items[1..11], &[0; 6], &items[2..12], &[0; 6]].concat();
        assert_inverse("g", &long_double, &["-m", "lp64"]);
        assert_inverse("Zg", &long_double, &["-m", "lp64"]);
        assert_inverse("<IhBd8sb", &items, &["--names", "a,b,c,d,e,f", "--hex"]);
        assert_inverse("T{4s:a:?:b:}", b"ab\0\0\x01\xc3\xa9c\0\0", &["--text"]);
        assert_inverse("<2w", &[[0xe9, 0, 0, 0], [0, 0, 0, 0]].concat(), &[]);
    }

    #[test]
    fn generated_layouts_are_encoded_to_the_same_values() {
        let mut state = 0x1234_5678_9abc_def1_u64;
        let mut encoded_layouts = 0;
        for _ in 0..32 {
            let case = draw_case(&mut Unstructured::new(&random_bytes(&mut state))).unwrap();
            let Some(Case { format, layout, items, options }) = case else { continue };
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            if Plan::new(&layout).unwrap().leaves().is_empty() {
                continue;
            }
            let Some(file) = arrow_file(&format, &items, &options) else { continue };
            let encode = [&["encode", format.as_str(), "--from", "arrow"], &options[..]].concat();
            let output = run(&encode, &file);
            assert!(output.status.success(), "{format}: {}", text(&output.stderr));
            assert_eq!(values(&layout, &output.stdout), values(&layout, &items), "{format}");
            encoded_layouts += 1;
        }
        assert!(encoded_layouts > 4, "{encoded_layouts}");
    }

    /// The column of a field is found once, not for each row.
    #[test]
    fn many_columns_in_another_order_are_encoded() {
        let fields = |names: &mut dyn Iterator<Item = usize>| {
            format!("T{{{}}}", names.map(|name| format!("B:n{name}:")).collect::<String>())
        };
        let items: Vec<u8> = (0..=255).cycle().take(1500 * 400).collect();
        let file = arrow_file(&fields(&mut (0..1500)), &items, &[]).unwrap();
        let timed = |format: &str| {
            let start = std::time::Instant::now();
            (stdout_of(&["encode", format, "--from", "arrow"], &file), start.elapsed())
        };
        let (encoded, usual) = timed(&fields(&mut (0..1500)));
        assert_eq!(encoded, items);
        let (encoded, reversed) = timed(&fields(&mut (0..1500).rev()));
        assert_eq!(encoded, items.chunks(1500).flat_map(|item| item.iter().rev()).copied().collect::<Vec<u8>>());
        // A search by name for each value compares 450 million names, and takes about 30 times as long.
        assert!(reversed < usual * 4 + std::time::Duration::from_millis(500), "{reversed:?} {usual:?}");
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let file = arrow_file("T{<I:id:<d:price:}", &[0; 24], &[]).unwrap();
        let refused = |format: &str| message_of(&["encode", format, "--from", "arrow"], &file);
        assert_eq!(
            refused("T{<I:id:<d:prise:}"),
            "error: no field is named `price`; the fields are id, prise\nhelp: the nearest name is `prise`\n"
        );
        assert_eq!(refused("T{<I:id:<d:price:B:x:}"), "error: column `x` is missing\n");
        assert_eq!(
            refused("T{<I:id:<f:price:}"),
            "error: field `price`: the column is Float64 but the field is float32\n"
        );
        assert_eq!(
            refused("T{<I:id:(2)<f:price:}"),
            "error: field `price`: the column is Float64 but the field is an array\n"
        );
        let wide = arrow_file("T{<I:id:}", &[0, 0, 0, 0, 0, 1, 0, 0], &[]).unwrap();
        let message = message_of(&["encode", "T{B:id:}", "--from", "arrow"], &wide);
        assert_eq!(message, "error: item 1: field `id`: 256 is not in the range 0 to 255 of uint8\n");
    }

    #[test]
    fn the_order_of_columns_is_free() {
        let file = arrow_file("T{B:a:<H:b:}", &[1, 2, 0], &[]).unwrap();
        assert_eq!(stdout_of(&["encode", "T{<H:b:B:a:}", "--from", "arrow"], &file), [2, 0, 1]);
        let file = arrow_file("T{B:b:B:a:B:a:}", &[1, 2, 3], &[]).unwrap();
        let message = message_of(&["encode", "T{B:a:B:a:B:b:}", "--from", "arrow"], &file);
        assert!(message.starts_with("error: several fields are named `a`"), "{message}");
    }

    /// The Arrow reader panics if one of these numbers is out of range.
    #[test]
    fn impossible_lengths_in_arrow_files_are_refused() {
        let format = "T{77s:s:(79)<h:m:}";
        let file = arrow_file(format, &[0; 83 * (77 + 2 * 79)], &[]).unwrap();
        let list = i32::MAX.to_le_bytes();
        let node = |len: i64, nulls: i64| [len.to_le_bytes(), nulls.to_le_bytes()].concat();
        let impossible = "error: the input is not a valid Arrow file: the length of an array is not possible\n";
        for (valid, damaged, message) in [
            (
                &77_i32.to_le_bytes()[..],
                &(-1_i32).to_le_bytes()[..],
                "error: field `s`: the column is FixedSizeBinary(-1) but the field is bytes\n",
            ),
            (
                &79_i32.to_le_bytes(),
                &list,
                "error: field `m`: the column has lists of length 2147483647 but the field has 79 elements\n",
            ),
            (&node(83, 0), &node(i64::MAX, 0), impossible),
            (&node(83, 0), &node(i64::MAX / 2, 0), impossible),
            (&node(83, 0), &node(-1, 0), impossible),
            (&node(83, 0), &node(83, -1), impossible),
        ] {
            let mut copy = file.clone();
            for start in 0..=copy.len() - valid.len() {
                if copy[start..].starts_with(valid) {
                    copy[start..start + valid.len()].copy_from_slice(damaged);
                }
            }
            assert_ne!(copy, file, "{message}");
            assert_eq!(message_of(&["encode", format, "--from", "arrow"], &copy), message);
        }
    }

    /// A damaged file has other values or is refused with an error, but never causes a panic.
    #[test]
    fn damaged_files_cause_no_panic() {
        let format = "T{<I:id:T{>d:x:(2)<h:m:}:in:2s:s:<2w:t:}";
        let file = arrow_file(format, &[0; 78], &[]).unwrap();
        let mut state = 1_u64;
        for round in 0..400_usize {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut damaged = file.clone();
            let place = usize::try_from(state >> 33).unwrap() % damaged.len();
            match round % 4 {
                0 => damaged.truncate(place),
                1 => damaged[place] = 0xff,
                2 => damaged[place] ^= 1 << (round / 4 % 8),
                _ => damaged[place..].iter_mut().take(8).for_each(|byte| *byte = 0x7f),
            }
            let output = run(&["encode", format, "--from", "arrow"], &damaged);
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1)), "round {round}, byte {place}: {message}");
        }
        for short in [&b""[..], b"ARROW1", b"ARROW1\0\0\xff\xff\xff\x7fARROW1"] {
            message_of(&["encode", format, "--from", "arrow"], short);
        }
    }
}

#[test]
fn decode_and_encode_of_c_source_are_inverse() {
    let source = "struct tick { uint16_t id; double price; char sym[5]; };";
    let items: Vec<u8> = [1_u16, 2]
        .iter()
        .flat_map(|id| [&id.to_le_bytes()[..], &[0; 6], &1.5_f64.to_le_bytes(), b"ABC\0\0", &[0; 3]].concat())
        .collect();
    let options = ["--c", source, "-m", "lp64"];
    let printed = stdout_of(&[&["decode", "-", "--to", "jsonl"], &options[..]].concat(), &items);
    assert_eq!(text(&printed).lines().next(), Some(r#"{"id":1,"price":1.5,"sym":"ABC\\x00\\x00"}"#));
    assert_eq!(stdout_of(&[&["encode"], &options[..]].concat(), &printed), items);
}

#[test]
fn the_first_argument_of_encode_is_the_file_if_c_source_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    fs::write(&file, "a,b\n1,2\n").unwrap();
    let output = stdout_of(&["encode", "--c", "struct s { int8_t a, b; };", file.to_str().unwrap()], b"");
    assert_eq!(output, [1, 2]);
}

#[test]
fn encode_refuses_a_format_beside_c_source() {
    let output = run(&["encode", "--c", "struct s { int8_t a; };", "b", "rows.csv"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("error: the argument '--c <SOURCE>' cannot be used with"));
}
