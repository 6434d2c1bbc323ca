//! The log of observed tips: where the references of the sources stood when they were scanned, one JSON line each.
//!
//! Git keeps no record of where a reference stood before, so we keep our own. It only grows. Each line holds the digest of the
//! line before, so that a line that was changed, taken out or put in breaks the chain; whoever can write the file can still make
//! a whole new one, or cut off its end. A log whose chain is broken is not believed: it is said, and the file is kept aside
//! when a new one begins.
//!
//! ```text
//! open: DIR/<cluster>/tips.ndjson -> tips, or why there are none
//! append: the tips of a scan whose record is written; under a lock, in one piece, on the disk before it returns
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::Error;
use super::wire::Line;
use crate::model::commit::CommitId;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::evidence::{Change, ClusterIdentity, ObservedTip, TagObject, Tip, TipChange};
use crate::model::text::hex;

/// Longer names of clusters are told by their digest.
const LONGEST_NAME: usize = 100;

/// A log is read and added to in milliseconds.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
const LOCK_TRIES: u32 = if cfg!(test) { 2 } else { 200 };

/// The log of one cluster.
#[derive(Debug)]
pub struct TipLog {
    folder: PathBuf,
    /// Whether it could be written when it was opened.
    writable: bool,
    /// Whether what was found was not believed.
    damaged: bool,
}

/// What was found in a log.
#[derive(Debug)]
pub struct Opened {
    /// The log.
    pub log: TipLog,
    /// All that was observed, oldest first.
    pub observed: Vec<ObservedTip>,
    /// Why that may not be all, or why nothing can be added.
    pub not_evaluated: Vec<NotEvaluated>,
}

impl TipLog {
    /// Opens the log of a cluster below a folder, which is made where it is missing. Nothing is written to the log yet. It never
    /// fails: what cannot be read or written is not evaluated.
    pub fn open(state: &Path, cluster: &ClusterIdentity) -> Opened {
        let folder = state.join(folder_name(cluster));
        let mut log = Self { folder, writable: true, damaged: false };
        let mut not_evaluated = Vec::new();
        // The lock keeps a line that is being written from being read half.
        let lock = log.lock().map_err(|error| told(&error, &log.folder));
        if let Err(error) = lock.as_ref().map_err(Clone::clone).and_then(|_| log.probe()) {
            log.writable = false;
            let text = "whether histories are rewritten from here on";
            not_evaluated.push(NotEvaluated::new(Stage::History, text, "state not writable").with_detail(error));
        }
        let observed = log.observed(&mut not_evaluated);
        Opened { log, observed, not_evaluated }
    }

    /// Reads the log of a cluster, where there is one, and writes nothing.
    pub fn read_only(state: &Path, cluster: &ClusterIdentity) -> (Vec<ObservedTip>, Vec<NotEvaluated>) {
        let mut log = Self { folder: state.join(folder_name(cluster)), writable: false, damaged: false };
        let mut not_evaluated = Vec::new();
        (log.observed(&mut not_evaluated), not_evaluated)
    }

    /// Adds the tips of a scan that differ from those observed last. A change that could not be judged is not added, so that the
    /// next scan asks again; neither is one of which another scan has meanwhile observed something else.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Write`]; then nothing was added.
    pub fn append(&self, tips: &[TipChange], observed: DateTime<Utc>) -> Result<(), Error> {
        if !self.writable {
            return Ok(());
        }
        let path = self.path();
        let failed = |source| Error::Write { path: path.clone(), source };
        let _lock = self.lock().map_err(failed)?;
        let bytes = self.read().map_err(|source| Error::Read { path: path.clone(), source })?;
        let (bytes, lines) = match parse(&bytes) {
            Ok(lines) => (bytes, lines),
            // Only what the record says may be put aside.
            Err(problem) if !self.damaged => return Err(failed(io::Error::other(problem))),
            Err(_) => {
                self.set_aside(observed).map_err(failed)?;
                (Vec::new(), Vec::new())
            }
        };
        let added = added(&bytes, lines, tips, observed).map_err(failed)?;
        if added.is_empty() { Ok(()) } else { self.write(&added).map_err(failed) }
    }

    /// All that was observed, oldest first, or why it is not believed.
    fn observed(&mut self, gaps: &mut Vec<NotEvaluated>) -> Vec<ObservedTip> {
        let text = "whether histories were rewritten since the last scan";
        let lines = match self.read() {
            Err(error) => {
                self.writable = false;
                let detail = told(&error, &self.path());
                gaps.push(NotEvaluated::new(Stage::History, text, "state not readable").with_detail(detail));
                Vec::new()
            }
            Ok(bytes) => parse(&bytes).unwrap_or_else(|problem| {
                self.damaged = true;
                let detail = format!("{}: {problem}; it is not believed, and is kept beside a new one", self.path().display());
                gaps.push(NotEvaluated::new(Stage::History, text, "tip log damaged").with_detail(detail));
                Vec::new()
            }),
        };
        lines.iter().map(|line| ObservedTip { tip: line.tip(), observed: line.observed_at }).collect()
    }

    fn path(&self) -> PathBuf {
        self.folder.join("tips.ndjson")
    }

    /// Waits until no other scan of the cluster writes, but not for ever: who holds the lock may have stopped. Makes the folder
    /// where it is missing.
    fn lock(&self) -> io::Result<File> {
        private_folder(&self.folder)?;
        let path = self.folder.join("lock");
        let file = private_file().create(true).truncate(false).open(&path)?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let text = format!("{} is held by another program for more than {:?}", path.display(), LOCK_PAUSE * LOCK_TRIES);
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    }

    /// Whether the log can be added to, where there is one.
    fn probe(&self) -> Result<(), String> {
        match File::options().append(true).open(self.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(told(&error, &self.path())),
            _ => Ok(()),
        }
    }

    /// All bytes; none where there is no log.
    fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match File::open(self.path()) {
            // Below a file there is no folder, and so no log.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(bytes),
            Err(error) => Err(error),
            Ok(mut file) => file.read_to_end(&mut bytes).map(|_| bytes),
        }
    }

    /// Gives the log another name, one that nothing has yet.
    fn set_aside(&self, now: DateTime<Utc>) -> io::Result<()> {
        let time = now.format("%Y%m%dT%H%M%SZ");
        let names = (0..).map(|number| self.folder.join(format!("tips.damaged-{time}-{number}.ndjson")));
        let free = names.into_iter().find(|name| fs::symlink_metadata(name).is_err()).expect("a folder has an end");
        tracing::warn!(kept = %free.display(), "the log of observed tips is damaged; a new one begins");
        fs::rename(self.path(), free)
    }

    /// Writes whole lines at the end, or none.
    fn write(&self, lines: &[u8]) -> io::Result<()> {
        let mut file = private_file().append(true).create(true).open(self.path())?;
        let length = file.metadata()?.len();
        if let Err(error) = file.write_all(lines).and_then(|()| file.sync_all()) {
            // What came of it is no line yet.
            file.set_len(length)?;
            return Err(error);
        }
        File::open(&self.folder)?.sync_all()
    }
}

/// The lines to be added.
fn added(bytes: &[u8], lines: Vec<Line>, tips: &[TipChange], observed: DateTime<Utc>) -> io::Result<Vec<u8>> {
    let mut last_line = bytes.strip_suffix(b"\n").and_then(|bytes| bytes.rsplit(|byte| *byte == b'\n').next()).map(digest);
    let mut lines = lines;
    let mut added = Vec::new();
    for change in tips {
        let known = lines.iter().rev().find(|line| line.url == change.tip.url && line.reference == change.tip.reference).map(Line::tip);
        let judged = change.since.as_ref().map(|(old, _)| &old.tip);
        let is_told = !matches!(change.since, Some((_, Change::Unknown)));
        if !is_told || known.as_ref() != judged || known.as_ref() == Some(&change.tip) {
            continue;
        }
        let line = Line {
            seq: lines.len() as u64 + 1,
            source: change.source.clone(),
            url: change.tip.url.clone(),
            reference: change.tip.reference.clone(),
            commit: change.tip.commit.to_string(),
            tag: change.tip.tag.as_ref().map(|tag| tag.id.to_string()),
            tag_signed: change.tip.tag.as_ref().is_some_and(|tag| tag.signed),
            observed_at: observed,
            prev: last_line.take(),
        };
        let text = serde_json::to_vec(&line)?;
        last_line = Some(digest(&text));
        added.extend(text);
        added.push(b'\n');
        lines.push(line);
    }
    Ok(added)
}

/// Reads and checks all lines.
fn parse(bytes: &[u8]) -> Result<Vec<Line>, String> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let text = bytes.strip_suffix(b"\n").ok_or("its last line is cut off")?;
    let mut lines = Vec::new();
    let mut last = None;
    for (number, bytes) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line: Line = serde_json::from_slice(bytes).map_err(|error| format!("line {number} cannot be read: {error}"))?;
        if line.seq != number {
            return Err(format!("line {number} says that it is line {}", line.seq));
        }
        if line.prev != last {
            return Err(format!("line {number} does not follow the line before it"));
        }
        if ![Some(&line.commit), line.tag.as_ref()].into_iter().flatten().all(|id| is_object_id(id)) {
            return Err(format!("line {number} names no object"));
        }
        last = Some(digest(bytes));
        lines.push(line);
    }
    Ok(lines)
}

fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn digest(line: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(line)))
}

impl Line {
    fn tip(&self) -> Tip {
        let tag = self.tag.as_ref().map(|id| TagObject { id: CommitId::new(id.clone()), signed: self.tag_signed });
        Tip { url: self.url.clone(), reference: self.reference.clone(), commit: CommitId::new(self.commit.clone()), tag }
    }
}

/// The uid of the cluster, else its name, as a name that every file system takes and that leads nowhere else.
fn folder_name(cluster: &ClusterIdentity) -> String {
    let name = cluster.uid.as_deref().unwrap_or(&cluster.name);
    let mut safe = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => safe.push(char::from(byte)),
            b'.' if !safe.is_empty() => safe.push('.'),
            _ => safe += &format!("%{byte:02X}"),
        }
    }
    match safe.len() {
        0 => "cluster".to_owned(),
        length if length > LONGEST_NAME => digest(name.as_bytes()).replace(':', "-"),
        _ => safe,
    }
}

fn told(error: &io::Error, path: &Path) -> String {
    format!("{}: {error}", path.display())
}

fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Readable by the owner alone where it is made.
fn private_file() -> fs::OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use chrono::{DateTime, Utc};

    use super::{TipLog, folder_name, parse};
    use crate::model::commit::CommitId;
    use crate::model::evidence::{Change, ClusterIdentity, ObservedTip, TagObject, Tip, TipChange};

    fn cluster(uid: &str) -> ClusterIdentity {
        ClusterIdentity { uid: Some(uid.to_owned()), ..ClusterIdentity::default() }
    }

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn tip(reference: &str, digit: char) -> Tip {
        let commit = CommitId::new(digit.to_string().repeat(40));
        Tip { url: "https://git.example/fleet".into(), reference: reference.into(), commit, tag: None }
    }

    fn change(tip: Tip, since: Option<(&ObservedTip, Change)>) -> TipChange {
        TipChange { source: "fleet".into(), tip, since: since.map(|(old, change)| (old.clone(), change)) }
    }

    /// Scans once: judges against what is remembered, and remembers.
    fn scan(state: &Path, tip: &Tip, how: Change, seconds: i64) -> Vec<&'static str> {
        let opened = TipLog::open(state, &cluster("u"));
        let old = opened.observed.iter().rev().find(|old| old.tip.reference == tip.reference);
        opened.log.append(&[change(tip.clone(), old.map(|old| (old, how)))], time(seconds)).unwrap();
        let known = ["state not writable", "state not readable", "tip log damaged"];
        opened.not_evaluated.iter().map(|gap| *known.iter().find(|reason| **reason == gap.reason).unwrap()).collect()
    }

    fn text(state: &Path) -> String {
        fs::read_to_string(state.join("u/tips.ndjson")).unwrap()
    }

    /// A log of three lines.
    fn three() -> tempfile::TempDir {
        let state = tempfile::tempdir().unwrap();
        for (seconds, digit) in (0..).zip(['a', 'b', 'c']) {
            assert_eq!(scan(state.path(), &tip("refs/heads/main", digit), Change::Ahead, seconds), [""; 0]);
        }
        state
    }

    #[test]
    fn a_line_is_written_for_each_tip_that_is_new_and_holds_the_digest_of_the_line_before() {
        let state = tempfile::tempdir().unwrap();
        let mut main = tip("refs/heads/main", 'a');
        assert_eq!(scan(state.path(), &main, Change::Same, 0), [""; 0]);
        assert_eq!(scan(state.path(), &main, Change::Same, 60), [""; 0]);
        main.tag = Some(TagObject { id: CommitId::new("b".repeat(40)), signed: true });
        assert_eq!(scan(state.path(), &main, Change::Ahead, 120), [""; 0]);
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let start = r#""source":"fleet","url":"https://git.example/fleet","ref":"refs/heads/main""#;
        // printf '%s' '<first line>' | sha256sum
        let first = format!(r#"{{"seq":1,{start},"commit":"{a}","observedAt":"2023-11-14T22:13:20Z"}}"#);
        let digest = super::digest(first.as_bytes());
        let second = format!(
            r#"{{"seq":2,{start},"commit":"{a}","tag":"{b}","tagSigned":true,"observedAt":"2023-11-14T22:15:20Z","prev":"{digest}"}}"#
        );
        assert_eq!(text(state.path()), format!("{first}\n{second}\n"));
        let mode = |path: &str| fs::metadata(state.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("u"), mode("u/tips.ndjson")), (0o700, 0o600));
        assert_eq!(TipLog::open(state.path(), &cluster("u")).observed.last().unwrap().tip, main);
    }

    #[test]
    fn what_is_changed_taken_out_cut_off_or_put_in_breaks_the_chain() {
        let state = three();
        let whole = text(state.path());
        let lines: Vec<&str> = whole.lines().collect();
        assert_eq!(parse(whole.as_bytes()).unwrap().len(), 3);
        let joined = |lines: &[&str]| lines.join("\n") + "\n";
        for (broken, problem) in [
            (whole.replacen("\"seq\":1", "\"seq\":x", 1), "line 1 cannot be read"),
            (whole.replacen(&"b".repeat(40), &"d".repeat(40), 1), "line 3 does not follow"),
            (joined(&[lines[0], lines[2]]), "line 2 says that it is line 3"),
            (joined(&[lines[1], lines[2]]), "line 1 says that it is line 2"),
            (joined(&[lines[0], lines[1], lines[1]]), "line 3 says that it is line 2"),
            (whole[..whole.len() - 1].to_owned(), "cut off"),
            (whole[..whole.len() - 30].to_owned(), "cut off"),
            (whole.clone() + "\n", "line 4 cannot be read"),
            (whole.replacen(&"c".repeat(40), "main", 1), "line 3 names no object"),
        ] {
            let error = parse(broken.as_bytes()).map(|lines| lines.len()).unwrap_err();
            assert!(error.contains(problem), "{error}, not {problem}");
        }
    }

    #[test]
    fn a_damaged_log_is_told_once_and_kept_aside() {
        let state = three();
        let damaged = text(state.path()).replacen(&"b".repeat(40), &"d".repeat(40), 1);
        fs::write(state.path().join("u/tips.ndjson"), &damaged).unwrap();
        let main = tip("refs/heads/main", 'e');
        assert_eq!(scan(state.path(), &main, Change::Ahead, 600), ["tip log damaged"]);
        assert_eq!(scan(state.path(), &main, Change::Same, 660), [""; 0]);
        assert_eq!(text(state.path()).lines().count(), 1);
        let kept = fs::read_to_string(state.path().join("u/tips.damaged-20231114T222320Z-0.ndjson")).unwrap();
        assert_eq!(kept, damaged);
    }

    #[test]
    fn a_damaged_log_that_was_not_told_stays_where_it_is() {
        let state = three();
        let opened = TipLog::open(state.path(), &cluster("u"));
        let file = state.path().join("u/tips.ndjson");
        fs::write(&file, "{}\n").unwrap();
        assert!(opened.log.append(&[change(tip("refs/heads/main", 'e'), None)], time(0)).is_err());
        assert_eq!(fs::read_to_string(file).unwrap(), "{}\n");
    }

    #[test]
    fn what_could_not_be_judged_is_asked_again() {
        let state = three();
        let before = text(state.path());
        assert_eq!(scan(state.path(), &tip("refs/heads/main", 'e'), Change::Unknown, 60), [""; 0]);
        assert_eq!(text(state.path()), before);
    }

    #[test]
    fn a_lock_that_is_never_given_back_is_told() {
        let state = three();
        let held = fs::File::open(state.path().join("u/lock")).unwrap();
        held.lock().unwrap();
        let opened = TipLog::open(state.path(), &cluster("u"));
        let [gap] = opened.not_evaluated.as_slice() else { panic!("{:?}", opened.not_evaluated) };
        assert_eq!((gap.reason.as_str(), opened.observed.len()), ("state not writable", 3));
        assert!(gap.detail.as_ref().is_some_and(|detail| detail.contains("is held by another program")), "{gap:?}");
    }

    #[test]
    fn of_two_scans_at_once_only_one_moves_a_tip() {
        let state = three();
        let one = TipLog::open(state.path(), &cluster("u"));
        let other = TipLog::open(state.path(), &cluster("u"));
        let old = one.observed.last().unwrap();
        one.log.append(&[change(tip("refs/heads/main", 'e'), Some((old, Change::Ahead)))], time(60)).unwrap();
        other.log.append(&[change(tip("refs/heads/main", 'f'), Some((old, Change::Ahead)))], time(61)).unwrap();
        assert_eq!(TipLog::open(state.path(), &cluster("u")).observed.last().unwrap().tip, tip("refs/heads/main", 'e'));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_not_evaluated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(scan(&file, &tip("refs/heads/main", 'a'), Change::Same, 0), ["state not writable"]);
    }

    #[test]
    fn a_cluster_has_a_folder_that_leads_nowhere_else() {
        let name = |uid: &str| folder_name(&cluster(uid));
        assert_eq!(name("7f1c0f0e-0000-4000-8000-000000000000"), "7f1c0f0e-0000-4000-8000-000000000000");
        assert_eq!(name("../../etc"), "%2E.%2F..%2Fetc");
        assert_eq!(name(".."), "%2E.");
        assert_eq!(name(""), "cluster");
        assert!(name(&"x".repeat(300)).len() < 100);
        let named = ClusterIdentity { name: "kind prod".into(), ..ClusterIdentity::default() };
        assert_eq!(folder_name(&named), "kind%20prod");
    }
}
