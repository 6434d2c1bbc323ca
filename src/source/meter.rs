//! How far a fetch has come, read while it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gix::progress::{Count, Id, MessageLevel, NestedProgress, Progress, Step, StepShared, Unit};

/// Counts of a fetch. Cheap to clone; all clones show the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    objects: StepShared,
    total: Arc<AtomicUsize>,
    bytes: StepShared,
}

impl Meter {
    /// `12,301 of 24,955 objects · 8 MB`; `None` before the first object came.
    pub(super) fn text(&self) -> Option<String> {
        let (objects, total) = (self.objects.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        let bytes = self.bytes.load(Ordering::Relaxed) / 1_000_000;
        (objects > 0).then(|| format!("{} of {} objects · {} MB", grouped(objects), grouped(total.max(objects)), grouped(bytes)))
    }

    /// The end of gix's reporting that feeds this meter.
    pub(super) fn counter(&self) -> Counter {
        Counter { meter: self.clone(), step: StepShared::default(), total: None }
    }
}

/// `12,301`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One of the many things gix counts; most are counted into nowhere.
#[derive(Debug)]
pub(super) struct Counter {
    meter: Meter,
    step: StepShared,
    total: Option<Arc<AtomicUsize>>,
}

impl Count for Counter {
    fn set(&self, step: Step) {
        self.step.store(step, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        self.step.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        self.step.fetch_add(step, Ordering::Relaxed);
    }

    fn counter(&self) -> StepShared {
        self.step.clone()
    }
}

impl Progress for Counter {
    fn init(&mut self, max: Option<Step>, _unit: Option<Unit>) {
        if let (Some(total), Some(max)) = (&self.total, max) {
            total.store(max, Ordering::Relaxed);
        }
    }

    fn set_name(&mut self, _name: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        gix::progress::UNKNOWN
    }

    // What the server says is text of a stranger and no result.
    fn message(&self, _level: MessageLevel, _message: String) {}
}

impl NestedProgress for Counter {
    type SubProgress = Self;

    fn add_child(&mut self, name: impl Into<String>) -> Self {
        self.add_child_with_id(name, gix::progress::UNKNOWN)
    }

    fn add_child_with_id(&mut self, _name: impl Into<String>, id: Id) -> Self {
        let meter = self.meter.clone();
        if id == Id::from(gix::odb::pack::index::write::ProgressId::IndexObjects) {
            return Self { step: meter.objects.clone(), total: Some(meter.total.clone()), meter };
        }
        if id == Id::from(gix::odb::pack::bundle::write::ProgressId::ReadPackBytes) {
            return Self { step: meter.bytes.clone(), total: None, meter };
        }
        meter.counter()
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 12_301, 1_234_567].map(grouped), ["0", "999", "1,000", "12,301", "1,234,567"]);
    }
}
