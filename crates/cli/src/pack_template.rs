//! [`format_of_template`]: the format for a template of `pack`, a function of Perl, Ruby and PHP.

/// The letters of `pack` that mean the same number in Perl, Ruby and PHP, as (letter, byte order, format character). A
/// letter without a byte order has the byte order of the machine and accepts the modifiers `<` and `>`. `j` and `J` are
/// 64-bit numbers in Perl and Ruby on 64-bit machines, but PHP defines `J` as big-endian, so `J` is not in the list.
/// `e`, `E`, `F`, `g` and `G` are not in the list, because Ruby defines them in another way than Perl or PHP.
const LETTERS: [(char, Option<char>, char); 18] = [
    ('c', None, 'b'),
    ('C', None, 'B'),
    ('s', None, 'h'),
    ('S', None, 'H'),
    ('i', None, 'i'),
    ('I', None, 'I'),
    ('l', None, 'i'),
    ('L', None, 'I'),
    ('q', None, 'q'),
    ('Q', None, 'Q'),
    ('j', None, 'q'),
    ('f', None, 'f'),
    ('d', None, 'd'),
    ('n', Some('>'), 'H'),
    ('N', Some('>'), 'I'),
    ('v', Some('<'), 'H'),
    ('V', Some('<'), 'I'),
    ('x', None, 'x'),
];

/// The letters of `pack` for a byte string. The count of such a letter is the number of bytes.
const STRINGS: [char; 3] = ['a', 'A', 'Z'];

/// The byte order of the machine in a format without padding.
const NATIVE: char = '=';

/// An item of a template.
struct Item {
    /// The byte order, or `None` for items of single bytes.
    order: Option<char>,
    /// The number of values or bytes, as in the template. The text is empty if the template has no count.
    count: String,
    code: char,
}

/// Returns the format that describes the bytes of `template`, a template of `pack` in Perl, Ruby and PHP. `pack` writes
/// no padding, so the format has no implicit padding.
///
/// Returns `None` if `template` is empty, is not a template, has a letter whose meaning is not the same in the three
/// languages, or has values of unknown length, such as `a*`.
pub(super) fn format_of_template(template: &str) -> Option<String> {
    let mut rest = template.chars().peekable();
    let mut items: Vec<Item> = Vec::new();
    while let Some(letter) = rest.next() {
        if letter.is_ascii_whitespace() {
            continue;
        }
        let (mut order, code) = match LETTERS.iter().find(|(known, _, _)| *known == letter) {
            Some((_, order, code)) => (*order, *code),
            None if STRINGS.contains(&letter) => (None, 's'),
            None => return None,
        };
        let is_byte = matches!(code, 'b' | 'B' | 's' | 'x');
        if !is_byte && order.is_none() {
            order = Some(rest.next_if(|next| matches!(next, '<' | '>')).unwrap_or(NATIVE));
        }
        let count: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_digit)).collect();
        items.push(Item { order, count, code });
    }
    let first = items.iter().find_map(|item| item.order);
    let is_single = items.iter().all(|item| item.order.is_none() || item.order == first);
    let mut format = String::new();
    // A byte-order character at the start of the format is valid in every dialect.
    if is_single && let Some(order) = first {
        format.push(order);
    }
    for item in &items {
        if !is_single && let Some(order) = item.order {
            format.push(order);
        }
        format.push_str(&item.count);
        format.push(item.code);
    }
    (!format.is_empty()).then_some(format)
}

/// Returns `true` if a byte-order character follows a letter of `template` and ends the template, as in `l<`. The
/// character has an effect in Perl and Ruby, but none in a format.
pub(super) fn ends_in_byte_order(template: &str) -> bool {
    let mut last = template.chars().rev();
    last.next().is_some_and(|order| matches!(order, '<' | '>'))
        && last.next().is_some_and(|letter| letter.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected sizes are those of `pack` of Perl 5.36 for the same template.
    #[test]
    fn templates_have_the_format_of_their_bytes() {
        for (template, format) in [
            ("V", "<I"),
            ("v", "<H"),
            ("n", ">H"),
            ("N", ">I"),
            ("vV", "<HI"),
            ("a8", "8s"),
            ("A8 Z4", "8s4s"),
            ("a3V", "<3sI"),
            ("nV", ">H<I"),
            ("l<", "<i"),
            ("s>2l<", ">2h<i"),
            ("L", "=I"),
            ("CxS", "=BxH"),
            ("j", "=q"),
            ("d2", "=2d"),
        ] {
            assert_eq!(format_of_template(template).as_deref(), Some(format), "{template}");
        }
    }

    #[test]
    fn other_texts_are_no_templates() {
        for text in ["", " ", "a*", "w", "U", "b8", "H4", "e", "F", "J", "T{i}", "(2)i", "<i", "é", "V]", "s!", "c<"] {
            assert_eq!(format_of_template(text), None, "{text}");
        }
    }
}
