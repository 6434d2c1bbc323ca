//! The state of an OpenPGP key at the time of a signature, computed from the key's own dates: GnuPG and Git judge an expired
//! key alike whether it signed before or after.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::attribution::KeyTime;

/// A signature may be this far ahead of our clock.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// A revocation of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revoked {
    /// Compromised, or no reason given: everything it ever signed is void.
    Hard,
    /// Superseded or retired at this time.
    Soft(DateTime<Utc>),
}

/// Dates of a primary key or subkey.
#[derive(Clone, Debug, Default)]
pub(super) struct Dates {
    /// When it was made.
    pub(super) created: Option<DateTime<Utc>>,
    /// When it expires.
    pub(super) expires: Option<DateTime<Utc>>,
    /// Whether it was revoked.
    pub(super) revoked: Option<Revoked>,
}

impl Dates {
    /// Whether the key can be used at this time.
    pub(super) fn in_force(&self, now: DateTime<Utc>) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| end > now)
    }
}

/// The state of a signature's keys (primary and, where another, the signing subkey): the worst that applies.
pub(super) fn key_time(keys: &[&Dates], signed: DateTime<Utc>, signature_ends: Option<DateTime<Utc>>, now: DateTime<Utc>) -> KeyTime {
    let any = |test: &dyn Fn(&Dates) -> bool| keys.iter().any(|key| test(key));
    let softly = |test: &dyn Fn(DateTime<Utc>) -> bool| any(&|key| matches!(key.revoked, Some(Revoked::Soft(time)) if test(time)));
    if any(&|key| key.revoked == Some(Revoked::Hard)) {
        KeyTime::RevokedHard
    } else if signed > now + SKEW {
        KeyTime::FutureSig
    } else if any(&|key| key.created.is_some_and(|created| signed < created)) {
        KeyTime::BeforeKey
    } else if softly(&|revoked| revoked <= signed) {
        KeyTime::RevokedSoftBefore
    } else if any(&|key| key.expires.is_some_and(|end| end <= signed)) {
        KeyTime::ExpiredBeforeSig
    } else if signature_ends.is_some_and(|end| end <= now) {
        KeyTime::SigExpired
    } else if softly(&|_| true) {
        KeyTime::RevokedSoftAfter
    } else if any(&|key| key.expires.is_some_and(|end| end <= now)) {
        KeyTime::ExpiredSince
    } else {
        KeyTime::Valid
    }
}

/// When the first of the keys ended, where they are in a state that says they did after the signature.
pub(super) fn key_ended(state: KeyTime, keys: &[&Dates]) -> Option<DateTime<Utc>> {
    let ends = keys.iter().filter_map(|key| match state {
        KeyTime::ExpiredSince => key.expires,
        KeyTime::RevokedSoftAfter => match key.revoked {
            Some(Revoked::Soft(time)) => Some(time),
            Some(Revoked::Hard) | None => None,
        },
        _ => None,
    });
    ends.min()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Dates, Revoked, key_ended, key_time};
    use crate::model::attribution::KeyTime;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn judge(dates: Dates, signed: i64, ends: Option<i64>) -> KeyTime {
        key_time(&[&Dates::default(), &dates], day(signed), ends.map(day), day(100))
    }

    #[test]
    fn expiry_is_judged_at_the_time_of_the_signature() {
        let key = |expires| Dates { created: Some(day(1)), expires: Some(day(expires)), revoked: None };
        assert_eq!(judge(key(200), 50, None), KeyTime::Valid);
        assert_eq!(judge(key(60), 50, None), KeyTime::ExpiredSince);
        assert_eq!(judge(key(50), 50, None), KeyTime::ExpiredBeforeSig);
        assert_eq!(judge(key(200), 0, None), KeyTime::BeforeKey);
    }

    #[test]
    fn a_signature_of_tomorrow_is_not_yet_made() {
        assert_eq!(judge(Dates::default(), 101, None), KeyTime::FutureSig);
        let now = day(100);
        assert_eq!(key_time(&[&Dates::default()], now + TimeDelta::minutes(4), None, now), KeyTime::Valid);
    }

    #[test]
    fn only_a_soft_revocation_asks_for_the_time() {
        let key = |revoked| Dates { revoked: Some(revoked), ..Dates::default() };
        assert_eq!(judge(key(Revoked::Hard), 50, None), KeyTime::RevokedHard);
        assert_eq!(judge(key(Revoked::Soft(day(60))), 50, None), KeyTime::RevokedSoftAfter);
        assert_eq!(judge(key(Revoked::Soft(day(40))), 50, None), KeyTime::RevokedSoftBefore);
    }

    // T34
    #[test]
    fn a_key_ended_when_the_first_of_its_parts_did_and_only_after_the_signature() {
        let ended = |keys: [&Dates; 2]| key_ended(key_time(&keys, day(50), None, day(100)), &keys);
        let expires = |end: i64| Dates { expires: Some(day(end)), ..Dates::default() };
        let retired = |end: i64| Dates { revoked: Some(Revoked::Soft(day(end))), ..expires(55) };
        assert_eq!(ended([&expires(60), &expires(55)]), Some(day(55)));
        assert_eq!(ended([&Dates::default(), &retired(70)]), Some(day(70)));
        assert_eq!((ended([&expires(160), &expires(155)]), ended([&expires(40), &expires(60)])), (None, None));
    }

    #[test]
    fn a_signature_ends_when_it_says() {
        assert_eq!(judge(Dates::default(), 50, Some(60)), KeyTime::SigExpired);
        assert_eq!(judge(Dates::default(), 50, Some(160)), KeyTime::Valid);
    }
}
