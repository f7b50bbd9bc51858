//! The preparation of C source for the parser: [`Prepared`].
//!
//! The parser `lang-c` expects the output of a C preprocessor. This module divides the source into tokens, and writes
//! the tokens again without comments, directives, function bodies, initializers and static assertions. The module
//! evaluates `#pragma pack`, `#define`, `#undef`, `#error` and conditions such as `#if` and `#ifdef`. The branch that a
//! condition excludes is left out. The tokens of a macro replace the name of the macro, as in a preprocessor. A macro
//! with parameters is an error in a declaration.
//!
//! The parser calls itself for nested brackets. Some nested brackets take exponential time. [`MAX_DEPTH`],
//! [`MAX_BRACKET_DEPTH`] and [`MAX_RUN`] bound the depth and the time of the parser.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::error::{CError, quoted};
use super::types::{BUILTIN_NAMES, is_type_keyword};

/// The largest length of C source in bytes.
const MAX_BYTES: usize = 1 << 21;
/// The largest number of tokens. The parser takes about 6 microseconds for each token.
const MAX_TOKENS: usize = 1 << 18;
/// The deepest nesting of parentheses, square brackets and braces.
const MAX_DEPTH: usize = 32;
/// The deepest nesting of square brackets inside square brackets. The parser takes twice the time for each level.
const MAX_BRACKET_DEPTH: usize = 4;
/// The largest number of tokens that [`check_runs`] permits without `,` or `;`. The parser recurses for each operator
/// of an expression.
const MAX_RUN: usize = 256;
/// The deepest nesting of `#if`, which is the limit of the C standard.
const MAX_CONDITIONS: usize = 63;
/// The deepest nesting of macros that contain macros.
const MAX_MACRO_DEPTH: usize = 32;
/// The largest length of a word or number in bytes.
const MAX_WORD: usize = 1 << 10;

/// The help line for source that needs a preprocessor.
const PREPROCESS: &str = "run the preprocessor first: `cc -E FILE.h`";

/// The `#pragma` directives that do not change the layout of a type.
const NEUTRAL_PRAGMAS: &[&str] =
    &["GCC", "STDC", "clang", "comment", "endregion", "mark", "message", "once", "region", "warning"];

/// The kind of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// An identifier or keyword.
    Word,
    Number,
    /// A string or a character constant.
    Text,
    /// An operator or a bracket.
    Operator,
}

/// A token, and the bytes `start..end` of the source that contain the token. A token that replaces another token, such
/// as a token of a macro, has the bytes of the replaced token.
#[derive(Clone, Debug)]
struct Token<'s> {
    kind: Kind,
    text: &'s str,
    start: usize,
    end: usize,
    /// Whether the token is the name of a macro with parameters. The macro is used if `(` follows.
    has_parameters: bool,
}

/// The meaning of a name that `#define` defines.
enum Macro<'s> {
    /// A macro without parameters, with its tokens: `#define LENGTH 8`.
    Object(Vec<Token<'s>>),
    /// A macro without parameters that contains a character that no declaration can contain.
    Invalid,
    /// A macro with parameters: `#define MAX(a, b) 8`.
    Function,
}

/// C source that `lang-c` can parse, and the positions of its tokens in the original source.
pub(super) struct Prepared<'s> {
    /// The original source.
    pub(super) source: &'s str,
    /// The source for the parser: one `typedef` for each known type name that occurs, then the tokens of the source.
    pub(super) text: String,
    /// The number of `typedef` declarations before the source.
    pub(super) prelude: usize,
    /// For each token of `text`, the offset in `text` and the bytes of the token in `source`.
    places: Vec<(usize, (usize, usize))>,
    /// For each `#pragma pack`: its offset in `source`, and the largest alignment in bytes after the `#pragma`. `None`
    /// means the alignment of the compiler.
    packs: Vec<(usize, Option<u64>)>,
}

impl<'s> Prepared<'s> {
    /// Converts `source` to C code that the parser accepts: evaluates directives, replaces macros, and removes tokens
    /// that do not change the layout of a type. Returns an error if `source` is too long or too deeply nested, or if a
    /// directive or macro is not supported.
    pub(super) fn new(source: &'s str) -> Result<Self, CError> {
        if source.len() > MAX_BYTES {
            let message = format!("the source has {} bytes, {MAX_BYTES} are allowed", source.len());
            return Err(CError::new(source, (0, 0), message));
        }
        let mut scan = Scanner {
            source,
            at: 0,
            tokens: Vec::new(),
            conditions: Vec::new(),
            pack: None,
            saved: Vec::new(),
            packs: Vec::new(),
            macros: BTreeMap::new(),
            macro_tokens: 0,
            undefined: BTreeSet::new(),
        };
        scan.run()?;
        let Scanner { tokens, packs, .. } = scan;
        let partners = match_brackets(source, &tokens)?;
        check_packs(source, &tokens, &partners, &packs)?;
        check_pragma_operators(source, &tokens)?;
        let tokens = rewrite(source, &tokens, &partners)?;
        check_runs(source, &tokens)?;
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for token in &tokens {
            if token.kind == Kind::Word && BUILTIN_NAMES.contains(&token.text) {
                names.insert(token.text);
            }
        }
        let mut text = String::new();
        for name in &names {
            text.push_str("typedef int ");
            text.push_str(name);
            text.push_str(" ;\n");
        }
        let mut places = Vec::with_capacity(tokens.len());
        for token in &tokens {
            // The parser reads the `((` and `))` of an attribute as one token.
            if !(matches!(token.text, "(" | ")") && text.ends_with(token.text)) {
                text.push(' ');
            }
            places.push((text.len(), (token.start, token.end)));
            text.push_str(token.text);
        }
        Ok(Self { source, text, prelude: names.len(), places, packs })
    }

    /// Returns the start and the end of the bytes of the source that contain the token at the offset `at` of `text`.
    /// Returns the end of the source twice for the end of `text`, and (0, 0) for an offset before the first token.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let next = self.places.partition_point(|(start, _)| *start <= at);
        let found = next.checked_sub(1).and_then(|index| self.places.get(index));
        let end = (self.source.len(), self.source.len());
        match found {
            // If a declaration is not complete, the parser reports the end of `text`.
            Some(_) if at.saturating_add(1) >= self.text.len() => end,
            Some((_, place)) => *place,
            None => (0, 0),
        }
    }

    /// Returns the largest alignment in bytes that `#pragma pack` permits for a structure. The structure ends at the
    /// offset `end` of `text`. Returns `None` if `#pragma pack` sets no limit.
    pub(super) fn pack_at(&self, end: usize) -> Option<u64> {
        let (at, _) = self.place(end.saturating_sub(1));
        let next = self.packs.partition_point(|(start, _)| *start < at);
        next.checked_sub(1).and_then(|index| self.packs.get(index)).and_then(|(_, pack)| *pack)
    }

    /// Returns the error `message` about the token at the offset `at` of `text`.
    pub(super) fn error(&self, at: usize, message: String) -> CError {
        CError::new(self.source, self.place(at), message)
    }
}

/// The state of the lines inside `#if`: used, skipped or unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// The lines are used.
    True,
    /// The lines are skipped. A later branch of the `#if` can be used.
    False,
    /// The lines of this branch and of all later branches of the `#if` are skipped.
    Done,
    /// The condition is unknown. The lines may contain `#error` only.
    Unknown,
}

/// The state while the source is divided into tokens.
struct Scanner<'s> {
    source: &'s str,
    /// The offset of the next byte.
    at: usize,
    tokens: Vec<Token<'s>>,
    /// The conditions of the enclosing `#if` directives, outermost first.
    conditions: Vec<Condition>,
    /// The largest alignment in bytes that `#pragma pack` permits.
    pack: Option<u64>,
    /// The values and the names that `#pragma pack(push)` saved.
    saved: Vec<(Option<u64>, Option<&'s str>)>,
    packs: Vec<(usize, Option<u64>)>,
    /// The macros that are defined at the current offset.
    macros: BTreeMap<&'s str, Macro<'s>>,
    /// The number of tokens so far that replaced the name of a macro.
    macro_tokens: usize,
    /// The names in `#undef`.
    undefined: BTreeSet<&'s str>,
}

impl<'s> Scanner<'s> {
    /// Returns the byte that is `ahead` bytes after the next byte. Returns `None` at the end of the source.
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.as_bytes().get(self.at.saturating_add(ahead)).copied()
    }

    /// Moves the current offset forward by `bytes` bytes.
    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Returns the error `message` about the bytes from `start` to the current offset.
    fn error(&self, start: usize, message: impl Into<String>) -> CError {
        CError::new(self.source, (start, self.at.max(start.saturating_add(1))), message.into())
    }

    /// Divides the whole source into tokens, evaluates the directives, and replaces the macros. Returns an error at the
    /// first character, directive or macro that is not supported.
    fn run(&mut self) -> Result<(), CError> {
        let mut is_line_start = true;
        loop {
            if self.skip_space(true)? {
                is_line_start = true;
            }
            match self.peek(0) {
                None => break,
                Some(b'#') if is_line_start => self.directive()?,
                Some(b'%') if is_line_start && self.peek(1) == Some(b':') => {
                    self.advance(2);
                    return Err(self.error(self.at.saturating_sub(2), "`%:` in the place of `#` is not supported"));
                }
                Some(_) if self.is_skipping() => self.skip_line()?,
                Some(_) => {
                    let token = self.token()?;
                    if self.conditions.contains(&Condition::Unknown) {
                        let message = "a declaration in an `#if` whose condition is not known";
                        let place = (token.start, token.end);
                        return Err(CError::new(self.source, place, message.to_owned()).with_help(PREPROCESS));
                    }
                    self.expand(token)?;
                    is_line_start = false;
                }
            }
        }
        if !self.conditions.is_empty() {
            return Err(self.error(self.at, "the last `#if` has no `#endif`"));
        }
        Ok(())
    }

    /// Adds `token` to the tokens of the source. If `token` is the name of a macro, adds the tokens of the macro
    /// instead. As in a preprocessor, the name of a macro is not replaced inside the tokens of the same macro. Returns
    /// an error if a macro cannot be replaced, or if the macros have too many tokens or are nested too deeply.
    fn expand(&mut self, token: Token<'s>) -> Result<(), CError> {
        let place = (token.start, token.end);
        let error = |message: String| CError::new(self.source, place, message);
        // The macros that are being replaced, outermost first. A pair has the name and the index of the next token.
        let mut active: Vec<(&'s str, usize)> = Vec::new();
        let mut next = Some(token);
        loop {
            if let Some(token) = next.take() {
                let is_active = active.iter().any(|(name, _)| *name == token.text);
                match self.macros.get(token.text).filter(|_| token.kind == Kind::Word && !is_active) {
                    Some(Macro::Object(_)) if active.len() >= MAX_MACRO_DEPTH => {
                        return Err(error(format!("more than {MAX_MACRO_DEPTH} macros inside each other")));
                    }
                    Some(Macro::Object(_)) => active.push((token.text, 0)),
                    Some(Macro::Invalid) => {
                        let message = format!("the macro {} is not a part of a declaration", quoted(token.text));
                        return Err(error(message).with_help(PREPROCESS));
                    }
                    found => {
                        if self.tokens.len() >= MAX_TOKENS {
                            return Err(error(format!("more than {MAX_TOKENS} words and operators")));
                        }
                        let has_parameters = matches!(found, Some(Macro::Function));
                        self.tokens.push(Token { start: place.0, end: place.1, has_parameters, ..token });
                    }
                }
            }
            let Some((name, index)) = active.last_mut() else { return Ok(()) };
            next = match self.macros.get(name) {
                Some(Macro::Object(body)) => body.get(*index).cloned(),
                Some(Macro::Invalid | Macro::Function) | None => None,
            };
            *index = index.saturating_add(1);
            if next.is_none() {
                active.pop();
            }
            self.macro_tokens = self.macro_tokens.saturating_add(1);
            if self.macro_tokens > MAX_TOKENS {
                return Err(error(format!("the macros have more than {MAX_TOKENS} words and operators")));
            }
        }
    }

    /// Returns whether an enclosing `#if` skips the current line.
    fn is_skipping(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Condition::False | Condition::Done))
    }

    /// Returns the length in bytes of the backslash and the line feed at the current offset, which join two lines. As
    /// in GCC and Clang, white space can be between the backslash and the line feed. Returns `None` if the current
    /// offset has no such backslash.
    fn line_join(&self) -> Option<usize> {
        let rest = self.source.as_bytes().get(self.at..)?.strip_prefix(b"\\")?;
        let space = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c))?;
        (rest.get(space) == Some(&b'\n')).then(|| space.saturating_add(2))
    }

    /// Moves to the line feed that ends a `//` comment.
    fn skip_line_comment(&mut self) {
        while let Some(byte) = self.peek(0)
            && byte != b'\n'
        {
            self.advance(self.line_join().unwrap_or(1));
        }
    }

    /// Moves over a comment in `/* */`, which starts at the current offset. Returns an error if the comment has no end.
    fn skip_block_comment(&mut self) -> Result<(), CError> {
        let start = self.at;
        self.advance(2);
        let rest = self.source.get(self.at..).unwrap_or_default();
        match rest.find("*/") {
            Some(len) => self.advance(len.saturating_add(2)),
            None => return Err(self.error(start, "a comment without an end")),
        }
        Ok(())
    }

    /// Moves to the line feed that ends the line. A comment in `/* */` can contain line feeds, and a string can contain
    /// the characters of a comment. Returns an error if a comment has no end.
    fn skip_line(&mut self) -> Result<(), CError> {
        // The quote of the string or character constant that contains the current offset.
        let mut quote = None;
        while let Some(byte) = self.peek(0)
            && byte != b'\n'
        {
            match (byte, self.peek(1)) {
                (b'\\', next) => {
                    let is_escape = quote.is_some() && next.is_some_and(|next| next != b'\n');
                    self.advance(self.line_join().unwrap_or(if is_escape { 2 } else { 1 }));
                }
                (b'"' | b'\'', _) => {
                    quote = match quote {
                        None => Some(byte),
                        Some(open) if open == byte => None,
                        open => open,
                    };
                    self.advance(1);
                }
                (b'/', Some(b'/')) if quote.is_none() => self.skip_line_comment(),
                (b'/', Some(b'*')) if quote.is_none() => self.skip_block_comment()?,
                _ => self.advance(1),
            }
        }
        Ok(())
    }

    /// Moves over white space and comments, and over line feeds if `lines` is true. Returns whether a line feed was
    /// skipped. Returns an error if a comment has no end.
    fn skip_space(&mut self, lines: bool) -> Result<bool, CError> {
        let mut has_line_feed = false;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'\n'), _) if lines => {
                    has_line_feed = true;
                    self.advance(1);
                }
                (Some(b' ' | b'\t' | b'\r' | 0x0b | 0x0c), _) => self.advance(1),
                (Some(b'\\'), _) => match self.line_join() {
                    Some(len) => self.advance(len),
                    None => return Ok(has_line_feed),
                },
                (Some(b'/'), Some(b'/')) => self.skip_line_comment(),
                (Some(b'/'), Some(b'*')) => self.skip_block_comment()?,
                _ => return Ok(has_line_feed),
            }
        }
    }

    /// Reads the next token. Returns an error if the next character starts no token, or if the token is too long or not
    /// complete.
    fn token(&mut self) -> Result<Token<'s>, CError> {
        let start = self.at;
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
        let is_operator = |byte: u8| b"=<>&|+-/*.#%:".contains(&byte);
        let kind = match self.peek(0) {
            Some(b'0'..=b'9') => {
                // A number of the preprocessor: an exponent can have a sign.
                let mut previous = 0;
                while let Some(byte) = self.peek(0)
                    && (is_word(byte)
                        || byte == b'.'
                        || (matches!(byte, b'+' | b'-') && matches!(previous, b'p' | b'P')))
                {
                    previous = byte;
                    self.advance(1);
                }
                Kind::Number
            }
            Some(byte) if is_word(byte) => {
                while self.peek(0).is_some_and(is_word) {
                    self.advance(1);
                }
                Kind::Word
            }
            Some(quote @ (b'"' | b'\'')) => {
                self.advance(1);
                loop {
                    match self.peek(0) {
                        Some(byte) if byte == quote => break,
                        Some(b'\\') => self.advance(self.line_join().unwrap_or(2)),
                        Some(byte) if byte != b'\n' => self.advance(1),
                        _ => return Err(self.error(start, "a string without an end")),
                    }
                }
                self.advance(1);
                Kind::Text
            }
            Some(byte) if byte.is_ascii_punctuation() && !matches!(byte, b'@' | b'`' | b'\\' | b'#') => {
                // The parser receives each operator of several bytes, such as `<<` or `->`, as one token.
                let rest = self.source.get(start..).unwrap_or_default();
                let found = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
                self.advance(found.map_or(1, |operator| operator.len()));
                Kind::Operator
            }
            _ => {
                let character = self.source.get(start..).and_then(|rest| rest.chars().next());
                self.advance(character.map_or(1, char::len_utf8));
                let text = self.source.get(start..self.at).unwrap_or_default();
                return Err(self.error(start, format!("unexpected character {}", quoted(text))));
            }
        };
        let end = self.at;
        // A backslash at the end of a string can move the offset into a character.
        let Some(text) = self.source.get(start..end) else {
            return Err(self.error(start, "an escape of a character that is not ASCII"));
        };
        // The compiler joins lines before it divides the source into words.
        if let Some(byte) = self.line_join().and_then(|len| self.peek(len))
            && match kind {
                Kind::Word | Kind::Number => is_word(byte),
                Kind::Operator => OPERATORS.iter().any(|operator| operator.starts_with(text)) && is_operator(byte),
                Kind::Text => false,
            }
        {
            return Err(self.error(start, "a word or an operator that continues on the next line"));
        }
        if text.len() > MAX_WORD && kind != Kind::Text {
            return Err(self.error(start, format!("a word of {} bytes, {MAX_WORD} are allowed", text.len())));
        }
        // The parser converts the digits of `_Float32` to a number without a check for overflow.
        let width = text.strip_prefix("_Float").or_else(|| text.strip_prefix("_Decimal")).unwrap_or_default();
        if width.len() > 4 {
            return Err(self.error(start, format!("unknown type {}", quoted(text))));
        }
        Ok(Token { kind, text, start, end, has_parameters: false })
    }

    /// Reads and returns the tokens up to the end of the line. Returns the error of [`token`](Self::token).
    fn line_tokens(&mut self) -> Result<Vec<Token<'s>>, CError> {
        let mut tokens = Vec::new();
        loop {
            self.skip_space(false)?;
            match self.peek(0) {
                None | Some(b'\n') => return Ok(tokens),
                Some(_) => tokens.push(self.token()?),
            }
        }
    }

    /// Reads and evaluates a directive, from `#` to the end of the line. Returns an error if the directive is not
    /// supported, is an `#error` that is not skipped, or belongs to no `#if`.
    fn directive(&mut self) -> Result<(), CError> {
        let start = self.at;
        self.advance(1);
        self.skip_space(false)?;
        // The line `# 12 "file.h"` is from a preprocessor.
        if !self.peek(0).is_some_and(|byte| byte.is_ascii_alphabetic()) {
            self.skip_line()?;
            return Ok(());
        }
        let name = self.token()?.text;
        let is_skipping = self.is_skipping();
        if name.starts_with("if") && self.conditions.len() >= MAX_CONDITIONS {
            return Err(self.error(start, format!("more than {MAX_CONDITIONS} nested `#if`")));
        }
        match name {
            "if" | "ifdef" | "ifndef" if is_skipping => {
                self.conditions.push(Condition::Done);
                self.skip_line()?;
            }
            "if" | "ifdef" | "ifndef" => {
                let condition = self.condition(name)?;
                self.conditions.push(condition);
            }
            "elif" | "elifdef" | "elifndef" | "else" => {
                self.skip_line()?;
                match self.conditions.pop() {
                    Some(Condition::True | Condition::Done) => self.conditions.push(Condition::Done),
                    Some(Condition::False) if name == "else" => self.conditions.push(Condition::True),
                    Some(Condition::Unknown) => self.conditions.push(Condition::Unknown),
                    Some(Condition::False) => self.conditions.push(Condition::Unknown),
                    None => return Err(self.error(start, format!("`#{name}` without `#if`"))),
                }
            }
            "endif" => {
                self.skip_line()?;
                if self.conditions.pop().is_none() {
                    return Err(self.error(start, "`#endif` without `#if`"));
                }
            }
            _ if is_skipping => self.skip_line()?,
            "error" => {
                self.skip_line()?;
                if !self.conditions.contains(&Condition::Unknown) {
                    return Err(self.error(start, "`#error` is reached"));
                }
            }
            "undef" => {
                let tokens = self.line_tokens()?;
                let [Token { text, .. }] = tokens.as_slice() else {
                    return Err(self.error(start, "expected one name after `#undef`"));
                };
                if self.macros.contains_key(text) && self.conditions.contains(&Condition::Unknown) {
                    let message = "`#undef` in an `#if` whose condition is not known";
                    return Err(self.error(start, message).with_help(PREPROCESS));
                }
                self.macros.remove(text);
                self.undefined.insert(text);
            }
            "include" | "warning" | "line" | "ident" => {
                self.skip_space(false)?;
                // The name of a header can contain the characters of a comment.
                if name == "include" && self.peek(0) == Some(b'<') {
                    while self.peek(0).is_some_and(|byte| byte != b'>' && byte != b'\n') {
                        self.advance(1);
                    }
                }
                self.skip_line()?;
            }
            _ if self.conditions.contains(&Condition::Unknown) => {
                self.skip_line()?;
                let message = format!("`#{name}` in an `#if` whose condition is not known");
                return Err(self.error(start, message).with_help(PREPROCESS));
            }
            "define" => self.define(start)?,
            "pragma" => self.pragma(start)?,
            _ => {
                self.skip_line()?;
                return Err(self.error(start, format!("unknown directive {}", quoted(name))).with_help(PREPROCESS));
            }
        }
        Ok(())
    }

    /// Reads the condition of the directive `name`: `if`, `ifdef` or `ifndef`. Returns [`Condition::Unknown`] if the
    /// value of the condition does not follow from the source. Returns an error if a comment has no end.
    fn condition(&mut self, name: &str) -> Result<Condition, CError> {
        let start = self.at;
        let tokens = self.line_tokens();
        let words: Vec<&str> = match &tokens {
            Ok(tokens) => tokens.iter().map(|token| token.text).collect(),
            // A condition can contain a character that no declaration contains.
            Err(_) => {
                self.at = start;
                self.skip_line()?;
                Vec::new()
            }
        };
        let is_defined = |macro_name: &str| {
            if self.macros.contains_key(macro_name) {
                return Condition::True;
            }
            // `#undef` is rare, so this module does not compute its effect.
            if self.undefined.contains(macro_name) {
                return Condition::Unknown;
            }
            // No C compiler defines `__cplusplus`.
            if macro_name == "__cplusplus" { Condition::False } else { Condition::Unknown }
        };
        let not = |condition| match condition {
            Condition::True => Condition::False,
            Condition::False => Condition::True,
            Condition::Done | Condition::Unknown => Condition::Unknown,
        };
        Ok(match (name, words.as_slice()) {
            ("ifdef", [macro_name]) | ("if", ["defined", macro_name] | ["defined", "(", macro_name, ")"]) => {
                is_defined(macro_name)
            }
            ("ifndef", [macro_name])
            | ("if", ["!", "defined", macro_name] | ["!", "defined", "(", macro_name, ")"]) => {
                match not(is_defined(macro_name)) {
                    // The guard of a header: the next directive defines the macro.
                    Condition::Unknown if self.next_defines(macro_name) => Condition::True,
                    condition => condition,
                }
            }
            ("if", ["0"]) => Condition::False,
            ("if", ["1"]) => Condition::True,
            _ => Condition::Unknown,
        })
    }

    /// Returns whether the next line that is not blank is `#define` of `macro_name`.
    fn next_defines(&self, macro_name: &str) -> bool {
        let rest = self.source.get(self.at..).unwrap_or_default().trim_start();
        let rest = rest.strip_prefix('#').map(str::trim_start).and_then(|rest| rest.strip_prefix("define"));
        rest.is_some_and(|rest| rest.split_whitespace().next() == Some(macro_name))
    }

    /// Records the macro of a `#define`. `start` is the offset of the `#`. Returns an error if the macro replaces a
    /// type, except `bool` by `_Bool`, or if the macro already has another definition.
    fn define(&mut self, start: usize) -> Result<(), CError> {
        let texts = |body: &[Token<'s>]| body.iter().map(|token| token.text).collect::<Vec<_>>();
        self.skip_space(false)?;
        let name = self.token()?;
        let replaces_type = is_type_keyword(name.text) || BUILTIN_NAMES.contains(&name.text);
        let found = if self.peek(0) == Some(b'(') {
            self.skip_line()?;
            Macro::Function
        } else {
            let body_start = self.at;
            match self.line_tokens() {
                Ok(body) => Macro::Object(body),
                Err(_) => {
                    self.at = body_start;
                    self.skip_line()?;
                    Macro::Invalid
                }
            }
        };
        let is_bool = matches!(&found, Macro::Object(body) if texts(body) == ["_Bool"]);
        if replaces_type && !is_bool {
            let message = format!("the macro {} replaces a type", quoted(name.text));
            return Err(self.error(start, message).with_help(PREPROCESS));
        }
        let is_same = match (self.macros.get(name.text), &found) {
            (None, _) | (Some(Macro::Invalid), Macro::Invalid) | (Some(Macro::Function), Macro::Function) => true,
            (Some(Macro::Object(known)), Macro::Object(body)) => texts(known) == texts(body),
            (Some(_), _) => false,
        };
        if !is_same {
            let message = format!("the macro {} has two definitions", quoted(name.text));
            return Err(self.error(start, message).with_help(PREPROCESS));
        }
        self.macros.insert(name.text, found);
        Ok(())
    }

    /// Evaluates a `#pragma`: records the alignment that `#pragma pack` sets, and skips [`NEUTRAL_PRAGMAS`]. `start` is
    /// the offset of the `#`. Returns an error for every other `#pragma`, because it can change a layout, and for an
    /// unknown form of `#pragma pack` or a `pop` without a `push`.
    fn pragma(&mut self, start: usize) -> Result<(), CError> {
        self.skip_space(false)?;
        let line_start = self.at;
        let first = if self.peek(0).is_some_and(|byte| byte.is_ascii_alphabetic()) { self.token()?.text } else { "" };
        if first != "pack" {
            self.skip_line()?;
            let text = self.source.get(line_start..self.at).unwrap_or_default();
            // `#pragma clang attribute` can contain `packed`.
            if NEUTRAL_PRAGMAS.contains(&first) && !(first == "clang" && text.contains("attribute")) {
                return Ok(());
            }
            return Err(self.error(start, format!("unknown `#pragma {}`", crate::text::escape(text))));
        }
        let tokens = self.line_tokens()?;
        let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
        let unknown = "write `#pragma pack(4)`, `#pragma pack(push, 4)`, `#pragma pack(pop)` or `#pragma pack()`";
        let inner = match words.as_slice() {
            ["(", inner @ .., ")"] => inner,
            _ => return Err(self.error(start, "unknown form of `#pragma pack`").with_help(unknown)),
        };
        // Clang replaces a macro in the directive, and GCC does not.
        if let Some(word) = inner.iter().find(|word| self.macros.contains_key(*word)) {
            let message = format!("the macro {} in `#pragma pack`", quoted(word));
            return Err(self.error(start, message).with_help(PREPROCESS));
        }
        let arguments = inner.split(|word| *word == ",");
        let mut pack = self.pack;
        let mut first = true;
        let (mut pushed, mut popped) = (false, false);
        let mut name = None;
        for argument in arguments {
            match argument {
                [] if first && inner.is_empty() => pack = None,
                ["push"] if first => pushed = true,
                ["pop"] if first => popped = true,
                [word] if word.starts_with(|character: char| character.is_ascii_digit()) => {
                    pack = match *word {
                        "0" => None,
                        "1" | "2" | "4" | "8" | "16" => word.parse().ok(),
                        _ => {
                            let message = format!("`#pragma pack` of {}", quoted(word));
                            return Err(self.error(start, message).with_help("the compilers permit 1, 2, 4, 8 and 16"));
                        }
                    };
                }
                [word] if pushed || popped => name = Some(*word),
                _ => return Err(self.error(start, "unknown form of `#pragma pack`").with_help(unknown)),
            }
            first = false;
        }
        if pushed {
            if self.saved.len() >= MAX_WORD {
                return Err(self.error(start, "too many `#pragma pack(push)`"));
            }
            self.saved.push((self.pack, name));
        }
        if popped {
            let found = loop {
                match self.saved.pop() {
                    Some((saved, saved_name)) if name.is_none() || saved_name == name => break Some(saved),
                    Some(_) => {}
                    None => break None,
                }
            };
            let Some(saved) = found else {
                return Err(self.error(start, "`#pragma pack(pop)` without `#pragma pack(push)`"));
            };
            // `#pragma pack(pop, 4)` sets the alignment after the saved value was removed.
            pack = if inner.iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit())) { pack } else { saved };
        }
        self.pack = pack;
        self.packs.push((start, pack));
        Ok(())
    }
}

/// The operators of several bytes.
const OPERATORS: &[&str] = &[
    "...", "<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++", "--", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=",
];

/// Returns one index for each of `tokens`: for a bracket, the index of the matching bracket, and for any other token,
/// the index of the token itself. `tokens` are the tokens of `source`. Returns an error if a bracket has no matching
/// bracket, or if the brackets are nested too deeply.
fn match_brackets(source: &str, tokens: &[Token<'_>]) -> Result<Vec<usize>, CError> {
    let error = |token: &Token<'_>, message: String| CError::new(source, (token.start, token.end), message);
    let mut partners: Vec<usize> = (0..tokens.len()).collect();
    let mut open: Vec<(usize, &Token<'_>)> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Operator {
            continue;
        }
        match token.text {
            "(" | "[" | "{" => {
                open.push((index, token));
                let brackets = open.iter().filter(|(_, token)| token.text == "[").count();
                if open.len() > MAX_DEPTH || brackets > MAX_BRACKET_DEPTH {
                    let limit = if open.len() > MAX_DEPTH { MAX_DEPTH } else { MAX_BRACKET_DEPTH };
                    return Err(error(token, format!("more than {limit} nested brackets")));
                }
            }
            ")" | "]" | "}" => {
                let expected = match token.text {
                    ")" => "(",
                    "]" => "[",
                    _ => "{",
                };
                match open.pop() {
                    Some((first, opened)) if opened.text == expected => {
                        for (at, partner) in [(first, index), (index, first)] {
                            if let Some(entry) = partners.get_mut(at) {
                                *entry = partner;
                            }
                        }
                    }
                    _ => return Err(error(token, format!("`{}` without `{expected}`", token.text))),
                }
            }
            _ => {}
        }
    }
    match open.last() {
        Some((_, token)) => Err(error(token, format!("`{}` is never closed", token.text))),
        None => Ok(partners),
    }
}

/// Returns an error if an expression or a declarator of `tokens`, the tokens of `source`, has too many tokens. The
/// brackets of `tokens` must be balanced.
///
/// The parser recurses for each operator, and holds the operators before a bracket while the parser is inside the
/// bracket. The function therefore counts the tokens across brackets. A `,` or `;` resets only the number of tokens
/// after the innermost open bracket. A `,` between `?` and `:` resets no number.
fn check_runs(source: &str, tokens: &[Token<'_>]) -> Result<(), CError> {
    /// The tokens after an open bracket.
    #[derive(Clone, Copy, Default)]
    struct Level {
        /// The number of tokens before the bracket that the parser still holds.
        base: usize,
        /// The number of `?` without `:` since the last `,` or `;`.
        conditions: usize,
    }
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut run = 0_usize;
    for token in tokens {
        run = run.saturating_add(1);
        match token.text {
            "(" | "[" | "{" => {
                outer.push(level);
                level = Level { base: run, conditions: 0 };
            }
            // The brackets are balanced, so the default is never used.
            ")" | "]" | "}" => level = outer.pop().unwrap_or_default(),
            "?" => level.conditions = level.conditions.saturating_add(1),
            ":" => level.conditions = level.conditions.saturating_sub(1),
            "," if level.conditions == 0 => run = level.base,
            ";" => (run, level.conditions) = (level.base, 0),
            _ => {}
        }
        if run > MAX_RUN {
            let message = format!("more than {MAX_RUN} tokens without `,` or `;`");
            return Err(CError::new(source, (token.start, token.end), message));
        }
    }
    Ok(())
}

/// Returns an error if a `#pragma pack` is inside the braces of a declaration, because compilers differ about the
/// effect. `packs` has the offset of each `#pragma pack` in `source`. `partners` is the result of [`match_brackets`]
/// for `tokens`, the tokens of `source`.
fn check_packs(
    source: &str,
    tokens: &[Token<'_>],
    partners: &[usize],
    packs: &[(usize, Option<u64>)],
) -> Result<(), CError> {
    let mut next = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        // The braces of `extern "C" { }` contain declarations.
        let is_linkage =
            index.checked_sub(1).and_then(|index| tokens.get(index)).is_some_and(|token| token.kind == Kind::Text);
        if token.start < next || token.text != "{" || is_linkage {
            continue;
        }
        let end = partners.get(index).and_then(|partner| tokens.get(*partner)).map_or(token.end, |token| token.end);
        next = end;
        let first = packs.partition_point(|(at, _)| *at < token.start);
        if let Some((at, _)) = packs.get(first)
            && *at < end
        {
            let message = "`#pragma pack` inside the braces of a declaration".to_owned();
            let place = (*at, at.saturating_add("#pragma".len()));
            return Err(CError::new(source, place, message).with_help("move the `#pragma` before the declaration"));
        }
    }
    Ok(())
}

/// Returns a copy of `tokens`, the tokens of `source`. The copy lacks the tokens that do not change the layout of a
/// type, and has replacements for keywords that the parser does not know. `partners` is the result of
/// [`match_brackets`]. Returns an error if a construct is not supported.
fn rewrite<'s>(source: &'s str, tokens: &[Token<'s>], partners: &[usize]) -> Result<Vec<Token<'s>>, CError> {
    let text_at = |index: usize| tokens.get(index).map_or("", |token| token.text);
    let partner = |index: usize| partners.get(index).copied().unwrap_or(index);
    // Returns the index of the first token after the attributes that start at `index`.
    let after_attributes = |mut index: usize| {
        while matches!(text_at(index), "__attribute__" | "__attribute") && text_at(index.saturating_add(1)) == "(" {
            index = partner(index.saturating_add(1)).saturating_add(1);
        }
        index
    };
    let mut out: Vec<Token<'s>> = Vec::with_capacity(tokens.len());
    // The attributes after the keyword `struct`. The key is the index of the closing brace after which the parser
    // expects the attributes.
    let mut moved: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    // The indices of the closing braces of `extern "C" { }`.
    let mut linkage: BTreeSet<usize> = BTreeSet::new();
    // The number of enclosing brackets, except the braces of `extern "C"`.
    let mut depth = 0_usize;
    // The indices of the opening braces of structures, unions and enumerations.
    let mut type_braces: BTreeSet<usize> = BTreeSet::new();
    let mut index = 0_usize;
    while let Some(token) = tokens.get(index) {
        let next = index.saturating_add(1);
        let replaced = |text: &'static str| Token { text, ..token.clone() };
        check_macro(source, token, text_at(next))?;
        match token.text {
            "extern" if tokens.get(next).is_some_and(|token| token.kind == Kind::Text) => {
                let brace = next.saturating_add(1);
                if text_at(brace) == "{" {
                    linkage.insert(partner(brace));
                    index = brace.saturating_add(1);
                } else {
                    index = brace;
                }
                continue;
            }
            "}" if linkage.contains(&index) => {
                index = next;
                continue;
            }
            "static_assert" | "_Static_assert" if text_at(next) == "(" => {
                index = partner(next).saturating_add(1);
                if text_at(index) == ";" {
                    index = index.saturating_add(1);
                }
                continue;
            }
            "struct" | "union" | "enum" => {
                let name = after_attributes(next);
                let has_name = tokens.get(name).is_some_and(|token| token.kind == Kind::Word);
                let brace = after_attributes(if has_name { name.saturating_add(1) } else { name });
                out.push(token.clone());
                if has_name && let Some(name) = tokens.get(name) {
                    out.push(name.clone());
                }
                if text_at(brace) == "{" {
                    type_braces.insert(brace);
                    if name > next {
                        moved.insert(partner(brace), (next, name));
                    }
                    // The parser expects an attribute before the name or after the closing brace.
                    let after_name = if has_name { name.saturating_add(1) } else { name };
                    if brace > after_name {
                        let place = tokens.get(after_name).map_or((0, 0), |token| (token.start, token.end));
                        let message = "an attribute after the name of a structure".to_owned();
                        let help = "write the attribute after the closing brace";
                        return Err(CError::new(source, place, message).with_help(help));
                    }
                    index = brace;
                } else {
                    // `struct s *p`: the attributes of a type without braces belong to the declaration.
                    index = if has_name { name.saturating_add(1) } else { name };
                }
                continue;
            }
            "{" if depth == 0 && !type_braces.contains(&index) => {
                // The token replaces the body of a function.
                out.push(replaced(";"));
                index = partner(index).saturating_add(1);
                continue;
            }
            "{" if !type_braces.contains(&index) => {
                let message = "unexpected `{`".to_owned();
                let help = "write constant expressions without statements and compound literals";
                return Err(CError::new(source, (token.start, token.end), message).with_help(help));
            }
            "=" if depth == 0 => {
                // The loop skips the initializer of an object.
                while !matches!(text_at(index), "," | ";" | "") {
                    index = partner(index).saturating_add(1);
                }
                continue;
            }
            "[" if text_at(next) == "[" => {
                let message = "attributes in `[[ ]]` are not supported".to_owned();
                let help = "write `__attribute__((packed))` or `_Alignas(8)`";
                return Err(CError::new(source, (token.start, token.end), message).with_help(help));
            }
            "_Alignas" | "alignas" if text_at(next) == "(" => {
                let end = partner(next);
                let first = text_at(next.saturating_add(1));
                let is_type = is_type_keyword(first) || BUILTIN_NAMES.contains(&first);
                let before: &[&'static str] = if is_type {
                    &["__attribute__", "(", "(", "aligned", "(", "_Alignof", "("]
                } else {
                    &["__attribute__", "(", "(", "aligned", "("]
                };
                out.extend(before.iter().map(|text| replaced(text)));
                // `end` is the index of the closing bracket after `next`, so the default is never used.
                out.extend(tokens.get(next.saturating_add(1)..end).unwrap_or_default().iter().cloned());
                let after = if is_type { ") ) ) )" } else { ") ) )" };
                out.extend(after.split(' ').map(replaced));
                index = end.saturating_add(1);
                continue;
            }
            "alignof" if text_at(next) == "(" => out.push(replaced("_Alignof")),
            "offsetof" if text_at(next) == "(" => out.push(replaced("__builtin_offsetof")),
            "typeof" if text_at(next) == "(" => out.push(replaced("__typeof__")),
            "thread_local" => {}
            text => {
                match text {
                    "(" | "[" | "{" => depth = depth.saturating_add(1),
                    ")" | "]" | "}" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                out.push(token.clone());
                if let Some((start, end)) = moved.get(&index) {
                    // `moved` has ranges of `tokens`, so the default is never used.
                    out.extend(tokens.get(*start..*end).unwrap_or_default().iter().cloned());
                }
            }
        }
        index = next;
    }
    let following = out.iter().skip(1).map(|token| token.text).chain([""]);
    for (token, next) in out.iter().zip(following) {
        check_macro(source, token, next)?;
    }
    Ok(out)
}

/// Returns an error if `token`, a token of `source`, uses a macro with parameters, which means that the token after it
/// is `(`. `next` is the text of the token after `token`.
fn check_macro(source: &str, token: &Token<'_>, next: &str) -> Result<(), CError> {
    if !token.has_parameters || next != "(" {
        return Ok(());
    }
    let message = format!("the macro {} has parameters", quoted(token.text));
    Err(CError::new(source, (token.start, token.end), message).with_help(PREPROCESS))
}

/// Returns an error if `tokens`, the tokens of `source`, contain `_Pragma` with a text that can change the layout of a
/// type, such as `pack(1)`. `_Pragma` also has an effect in the body of a function.
fn check_pragma_operators(source: &str, tokens: &[Token<'_>]) -> Result<(), CError> {
    for (index, token) in tokens.iter().enumerate() {
        if !matches!(token.text, "_Pragma" | "__pragma") {
            continue;
        }
        let text = tokens.get(index.saturating_add(2)).map_or("", |token| token.text);
        let first = text.trim_matches('"').split_whitespace().next().unwrap_or_default();
        if !NEUTRAL_PRAGMAS.contains(&first) {
            let message = format!("unknown {}", quoted(token.text));
            return Err(CError::new(source, (token.start, token.end), message).with_help(PREPROCESS));
        }
    }
    Ok(())
}
