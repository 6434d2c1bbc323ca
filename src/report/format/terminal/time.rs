//! Times: relative for people, RFC 3339 in a pipe.

use crate::report::encoder::Style;
use crate::report::value::Timestamp;

/// `3 hours ago` on a terminal, `2026-11-21T06:14:07Z` in a pipe. Times to come are written out: they are a claim to be seen.
pub(super) fn ago(style: &Style, time: Timestamp) -> String {
    if style.width.is_none() {
        return time.to_string();
    }
    let past = style.now - time.utc();
    let (count, unit) = match (past.num_minutes(), past.num_hours(), past.num_days()) {
        _ if past.num_seconds() < 0 => return time.to_string(),
        (0, ..) => return "just now".to_owned(),
        (minutes, 0, _) => (minutes, "minute"),
        (_, hours, 0) => (hours, "hour"),
        (_, _, days @ 0..60) => (days, "day"),
        (_, _, days @ 60..730) => (days / 30, "month"),
        (.., days) => (days / 365, "year"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// `21 Nov 2026 09:14:07 UTC` on a terminal, RFC 3339 in a pipe.
pub(super) fn moment(style: &Style, time: Timestamp) -> String {
    if style.width.is_none() { time.to_string() } else { time.utc().format("%-d %b %Y %H:%M:%S UTC").to_string() }
}

/// `2026-11-09`.
pub(super) fn day(time: Timestamp) -> String {
    time.utc().format("%Y-%m-%d").to_string()
}

/// `0.9 s`, `2 min 5 s`.
pub(super) fn lasted(millis: u64) -> String {
    if millis < 60_000 {
        format!("{}.{} s", millis / 1000, millis % 1000 / 100)
    } else {
        format!("{} min {} s", millis / 60_000, millis % 60_000 / 1000)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::{Style, Timestamp, ago};
    use crate::model::fixture::now;

    #[test]
    fn the_past_is_told_in_its_largest_unit() {
        let style = Style { width: Some(80), color: false, ascii: false, now: now() };
        let told = |past: Duration| ago(&style, Timestamp::from(now() - past));
        assert_eq!(told(Duration::seconds(59)), "just now");
        assert_eq!(told(Duration::minutes(60)), "1 hour ago");
        assert_eq!(told(Duration::days(12)), "12 days ago");
        assert_eq!(told(Duration::days(61)), "2 months ago");
        assert_eq!(told(Duration::days(800)), "2 years ago");
        assert_eq!(told(Duration::seconds(-1)), "2026-11-21T09:14:08Z");
    }
}
