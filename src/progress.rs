//! What is being done right now, told to whoever waits: one line on a terminal, log lines elsewhere.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A handle that stages tell their progress to. Cheap to clone; telling it often costs little.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    line: Option<Arc<ProgressBar>>,
}

impl Progress {
    /// Tells nobody.
    pub fn silent() -> Self {
        Self::default()
    }

    /// One line on standard error, replaced in place; appears only for work that lasts.
    pub fn terminal() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
        bar.set_style(ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { line: Some(Arc::new(bar)) }
    }

    /// Replaces the line, as in `walking 31,690 commits`. The text is made only where somebody sees it.
    pub fn tell(&self, text: impl FnOnce() -> String) {
        if let Some(line) = &self.line {
            let text = text();
            // A hostile name must not steer the terminal.
            line.set_message(text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect::<String>());
        }
    }

    /// Removes the line.
    pub fn finish(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}
