//! [`message`]: wraps the lines of a message to the width of the terminal.

use textwrap::core::display_width;

/// The first words of sentences in a message.
const WORDS: [&str; 5] = ["error", "warning", "note", "help", "tip"];

/// The start of the line with the values of an option in the messages of clap. The line is indented by
/// [`VALUES_INDENT`] columns.
const VALUES: &str = "[possible values: ";
const VALUES_INDENT: usize = 2;

/// The largest number of columns between the first word of a sentence and its colon, such as `[A16]`.
const LARGEST_CODE: usize = 12;

/// Returns `text` with line breaks in sentences that are longer than the terminal. Without a terminal and without the
/// environment variable `COLUMNS`, returns `text` unchanged, so that programs find whole sentences in one line. Lines
/// of a format with carets and lines of tables are unchanged, and a word is never divided.
pub(super) fn message(text: &str) -> String {
    super::requested_width().map_or_else(|| text.to_owned(), |width| wrap(text, width))
}

/// Returns `text` with line breaks in sentences that are longer than `width` columns.
fn wrap(text: &str, width: usize) -> String {
    let lines = text.split('\n').map(|line| match margin(line) {
        Some(margin) if display_width(line) > width && margin < width => {
            let indent = " ".repeat(margin);
            let options = textwrap::Options::new(width)
                .subsequent_indent(&indent)
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation)
                .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
            textwrap::wrap(line, options).join("\n")
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// Returns the number of columns before the second line of the sentence in `line`. Returns `None` if `line` does not
/// start with a sentence.
fn margin(line: &str) -> Option<usize> {
    let plain = anstream::adapter::strip_str(line).to_string();
    if plain.trim_start().starts_with(VALUES) {
        return Some(VALUES_INDENT);
    }
    let sentence = plain.trim_start_matches([' ', '=']);
    let code = WORDS.iter().find_map(|word| sentence.strip_prefix(word))?;
    let (code, text) = code.split_once(": ").filter(|(code, _)| code.len() <= LARGEST_CODE)?;
    // `error: …` is a paragraph. The second line of `  = note: …` starts below the text of the note.
    let is_paragraph = sentence.len() == plain.len() && !code.contains(char::is_alphabetic);
    let before = plain.strip_suffix(text)?;
    if is_paragraph { Some(0) } else { Some(display_width(before)) }
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn sentences_are_wrapped_between_words() {
        let text = "error: two words and more\n  |\n1 | a long line of a format\n  = help: two words and more";
        let wrapped =
            "error: two words and\nmore\n  |\n1 | a long line of a format\n  = help: two words\n          and more";
        assert_eq!(wrap(text, 20), wrapped);
    }

    #[test]
    fn escapes_of_colours_have_no_width() {
        let text = "\u{1b}[1m\u{1b}[91merror\u{1b}[0m: ab cd";
        assert_eq!(wrap(text, 12), text);
        assert_eq!(wrap(text, 11), "\u{1b}[1m\u{1b}[91merror\u{1b}[0m: ab\ncd");
    }

    #[test]
    fn findings_have_a_code() {
        assert_eq!(wrap("error[A16]: ab cd", 15), "error[A16]: ab\n            cd");
        assert_eq!(wrap("error (allowed) B05 x: ab cd", 15), "error (allowed) B05 x: ab cd");
    }

    #[test]
    fn words_are_not_divided() {
        assert_eq!(wrap("help: `--dialect-of-the-producer`", 10), "help:\n`--dialect-of-the-producer`");
    }
}
