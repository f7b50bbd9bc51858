//! [`DateUnit`]: the conversion of NumPy's dates to ISO 8601 text, and of the text to dates.

use pep3118::layout::UserType;

/// The number of NaT ("not a time"), NumPy's missing date.
const NOT_A_TIME: i64 = i64::MIN;

/// The number of days in 400 years. The calendar repeats after this time.
const ERA_DAYS: i128 = 146_097;

/// The unit of a date of NumPy. A date is the number of units from the start of 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateUnit {
    Years,
    Months,
    /// This number of days.
    Days(u8),
    Hours,
    Minutes,
    /// A second is 10 units to the power of this number.
    Fractions(u8),
}

impl DateUnit {
    /// Returns the unit of the dates of `user`. Returns `None` if the values are not dates, or if the unit has no name
    /// in ISO 8601, such as 25 seconds. Such dates are numbers of units.
    pub(super) fn of(user: UserType) -> Option<Self> {
        Some(match user.name().strip_prefix("datetime64$")? {
            "Y" => Self::Years,
            "M" => Self::Months,
            "W" => Self::Days(7),
            "D" => Self::Days(1),
            "h" => Self::Hours,
            "m" => Self::Minutes,
            "s" => Self::Fractions(0),
            "ms" => Self::Fractions(3),
            "us" => Self::Fractions(6),
            "ns" => Self::Fractions(9),
            "ps" => Self::Fractions(12),
            "fs" => Self::Fractions(15),
            "as" => Self::Fractions(18),
            _ => return None,
        })
    }

    /// Returns the number of units in one day. Returns 1 if the unit is at least a day.
    fn per_day(self) -> i128 {
        match self {
            Self::Years | Self::Months | Self::Days(_) => 1,
            Self::Hours => 24,
            Self::Minutes => 1_440,
            Self::Fractions(digits) => 10_i128.saturating_pow(digits.into()).saturating_mul(86_400),
        }
    }

    /// Returns the ISO 8601 text of a date, such as `2026-11-28T06:05:04.003` if the unit is a millisecond. `count` is
    /// the number of units from the start of 1970 to the date. The text of NaT is `NaT`.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the numbers have at most 65 bits and the divisors are constants"
    )]
    pub(super) fn text(self, count: i64) -> String {
        if count == NOT_A_TIME {
            return "NaT".to_owned();
        }
        let count = i128::from(count);
        let days = match self {
            Self::Years => return year_text(1970 + count),
            Self::Months => {
                return format!("{}-{:02}", year_text(1970 + count.div_euclid(12)), count.rem_euclid(12) + 1);
            }
            Self::Days(days) => count * i128::from(days),
            _ => count.div_euclid(self.per_day()),
        };
        let (year, month, day) = calendar_date(days);
        let mut text = format!("{}-{month:02}-{day:02}", year_text(year));
        let time = count.rem_euclid(self.per_day());
        match self {
            Self::Hours => text.push_str(&format!("T{time:02}")),
            Self::Minutes => text.push_str(&format!("T{:02}:{:02}", time / 60, time % 60)),
            Self::Fractions(digits) => {
                let per_second = 10_i128.saturating_pow(digits.into());
                let seconds = time.div_euclid(per_second);
                text.push_str(&format!("T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
                if digits > 0 {
                    text.push_str(&format!(".{:0width$}", time.rem_euclid(per_second), width = usize::from(digits)));
                }
            }
            _ => {}
        }
        text
    }

    /// Returns the number of units of the date `text`, in the form that [`text`](Self::text) returns. Missing parts are
    /// the start of the year, the month or the day. Returns `None` if `text` is not a date, has a part that the unit
    /// does not have, is between two weeks of a unit of weeks, or is out of range.
    #[expect(clippy::arithmetic_side_effects, reason = "a year has at most 20 digits, and large products are checked")]
    pub(super) fn parse(self, text: &str) -> Option<i64> {
        if text == "NaT" {
            return Some(NOT_A_TIME);
        }
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let unsigned = date.strip_prefix(['-', '+']).unwrap_or(date);
        let mut parts = unsigned.split('-');
        let year = parts.next().filter(|year| year.len() >= 4)?;
        let year = digits(year)? * if date.starts_with('-') { -1 } else { 1 };
        let month = parts.next().map(|month| two_digits(month).filter(|month| (1..=12).contains(month)));
        let day = parts.next().map(two_digits);
        if parts.next().is_some() || time.is_some() && day.is_none() {
            return None;
        }
        // A part is `None` if it is missing, and `Some(None)` if it is not a number.
        let (month_or_first, day_or_first) = (month.unwrap_or(Some(1))?, day.unwrap_or(Some(1))?);
        let months = (year - 1970) * 12 + month_or_first - 1;
        let days = days_before(year, month_or_first) + day_or_first - 1;
        if calendar_date(days) != (year, month_or_first, day_or_first) {
            return None;
        }
        let count = match self {
            Self::Years if month.is_none() => year - 1970,
            Self::Months if day.is_none() => months,
            Self::Days(each) if time.is_none() && days.rem_euclid(each.into()) == 0 => days.div_euclid(each.into()),
            Self::Years | Self::Months | Self::Days(_) => return None,
            _ => days.checked_mul(self.per_day())? + time.map_or(Some(0), |time| self.parse_time(time))?,
        };
        // The integer that represents NaT is not the number of a date.
        i64::try_from(count).ok().filter(|count| *count != NOT_A_TIME)
    }

    /// Returns the number of units between midnight and `time`, such as `06:05:04.003`. Missing minutes and seconds are
    /// 0. Returns `None` if `time` is not a time of day, or is more precise than the unit `self`, such as a time with
    /// minutes if the unit is an hour.
    #[expect(clippy::arithmetic_side_effects, reason = "a day has fewer than 2^80 units")]
    fn parse_time(self, time: &str) -> Option<i128> {
        let (clock, fraction) = time.split_once('.').map_or((time, None), |(clock, fraction)| (clock, Some(fraction)));
        let mut parts = clock.split(':');
        let below = |part: &str, limit: i128| two_digits(part).filter(|part| *part < limit);
        let hours = below(parts.next()?, 24)?;
        let minutes = parts.next().map(|part| below(part, 60));
        let seconds = parts.next().map(|part| below(part, 60));
        if parts.next().is_some() || fraction.is_some() && seconds.is_none() {
            return None;
        }
        let total_minutes = hours * 60 + minutes.unwrap_or(Some(0))?;
        match self {
            Self::Hours if minutes.is_none() => Some(hours),
            Self::Minutes if seconds.is_none() => Some(total_minutes),
            Self::Fractions(most) => {
                let seconds = total_minutes * 60 + seconds.unwrap_or(Some(0))?;
                let text = fraction.unwrap_or_default();
                if fraction.is_some_and(str::is_empty) {
                    return None;
                }
                let missing = usize::from(most).checked_sub(text.len())?;
                let fraction = if fraction.is_some() { digits(text)? } else { 0 };
                let scale = 10_i128.saturating_pow(u32::try_from(missing).ok()?);
                Some(seconds * 10_i128.saturating_pow(most.into()) + fraction * scale)
            }
            _ => None,
        }
    }
}

/// Returns the number with the decimal digits `text`, at most 20 digits. Returns `None` for any other text, such as an
/// empty text or a sign.
fn digits(text: &str) -> Option<i128> {
    let is_number = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Returns the number with the two decimal digits `text`, or `None` for any other text.
fn two_digits(text: &str) -> Option<i128> {
    digits(text).filter(|_| text.len() == 2)
}

/// Returns the text of `year`: four digits, or a sign and at least four digits.
fn year_text(year: i128) -> String {
    match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{}{:04}", if year < 0 { '-' } else { '+' }, year.unsigned_abs()),
    }
}

/// Returns the number of days from the start of 1970 to the start of the month `month` of `year`, in the Gregorian
/// calendar. January is the month 1.
#[expect(clippy::arithmetic_side_effects, reason = "a year has at most 20 digits")]
fn days_before(year: i128, month: i128) -> i128 {
    // A year that starts in March has its leap day at its end.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // The months from March on have 31, 30, 31, 30 and 31 days, twice. 719,468 days are between March of year 0 and 1970.
    year * 365 + leap_days + (153 * month + 2) / 5 - 719_468
}

/// Returns the year, the month and the day of the month for the number of days after 1970-01-01.
#[expect(clippy::arithmetic_side_effects, reason = "the number of days has at most 72 bits")]
fn calendar_date(days: i128) -> (i128, i128, i128) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    // Subtracts the leap days before `day`: one in 4 years, but not in 100 years.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (era * 400 + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_numpy_writes_them() {
        for (unit, count, text) in [
            (DateUnit::Years, -1, "1969"),
            (DateUnit::Months, 14, "1971-03"),
            (DateUnit::Days(1), -719_528, "0000-01-01"),
            (DateUnit::Days(1), 11_016, "2000-02-29"),
            (DateUnit::Days(7), 1, "1970-01-08"),
            (DateUnit::Hours, -1, "1969-12-31T23"),
            (DateUnit::Minutes, 61, "1970-01-01T01:01"),
            (DateUnit::Fractions(0), 1_795_845_904, "2026-11-28T06:05:04"),
            (DateUnit::Fractions(3), -1, "1969-12-31T23:59:59.999"),
            (DateUnit::Fractions(9), i64::MAX, "2262-04-11T23:47:16.854775807"),
            (DateUnit::Fractions(18), 1, "1970-01-01T00:00:00.000000000000000001"),
            (DateUnit::Fractions(0), NOT_A_TIME, "NaT"),
            (DateUnit::Years, 8030, "+10000"),
            (DateUnit::Years, -1971, "-0001"),
        ] {
            assert_eq!(unit.text(count), text);
            assert_eq!(unit.parse(text), Some(count), "{text}");
        }
    }

    #[test]
    fn every_date_is_read_back() {
        let units = [DateUnit::Years, DateUnit::Months, DateUnit::Days(1), DateUnit::Days(7), DateUnit::Hours];
        let fractions = [0, 3, 6, 9, 12, 15, 18].map(DateUnit::Fractions);
        for unit in units.into_iter().chain([DateUnit::Minutes]).chain(fractions) {
            let mut count = i64::MIN;
            for step in 0..5000_i64 {
                assert_eq!(unit.parse(&unit.text(count)), Some(count), "{unit:?}");
                assert_eq!(unit.parse(&unit.text(step)), Some(step), "{unit:?}");
                count = count.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step);
            }
            assert_eq!(unit.parse(&unit.text(i64::MAX)), Some(i64::MAX));
            assert_eq!(unit.parse(&unit.text(i64::MIN + 1)), Some(i64::MIN + 1));
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "197",
            "1970-13",
            "1970-00",
            "1970-02-29",
            "1970-1-1",
            "1970-01-01T",
            "1970-01-01T24",
            "1970-01T00",
            "1970-01-01T00:60",
            "1970-01-01T00:00:00.",
            "1970-01-01T00:00:00.1234",
            "1970-01-01T00:00:00Z",
            "--1970",
            "99999999999999999999",
            "99999999999999999999-12-31T00:00:00",
            "999999999999999999999999999999999999999",
            "1970-01-01 00:00",
        ] {
            assert_eq!(DateUnit::Fractions(3).parse(text), None, "{text}");
        }
        assert_eq!(DateUnit::Days(7).parse("1970-01-02"), None);
        assert_eq!(DateUnit::Days(1).parse("1970-01-01T00"), None);
        assert_eq!(DateUnit::Fractions(9).parse("2262-04-11T23:47:16.854775808"), None);
        assert_eq!(DateUnit::Fractions(3).parse("1970-01-02"), Some(86_400_000));
    }
}
