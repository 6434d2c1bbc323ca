//! A made-up history: apps whose images are bumped by the thousands, and now and then something else.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const COMMITS: u64 = 30_000;
const APPS: usize = 150;
/// Grows when the history becomes another one.
const VERSION: u32 = 1;

/// Makes the repository, unless an earlier run did.
pub(crate) fn repository() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("history-{VERSION}.git"));
    if !folder.exists() {
        let unfinished = folder.with_extension("unfinished");
        fs::remove_dir_all(&unfinished).ok();
        make(&unfinished);
        fs::rename(&unfinished, &folder).unwrap();
    }
    folder
}

fn make(folder: &Path) {
    git(folder, &["init", "--quiet", "--bare", "--initial-branch=main"]).status().unwrap();
    let mut child = git(folder, &["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut history = History { out: BufWriter::new(child.stdin.take().unwrap()), marks: 0, random: 1, apps: Vec::new() };
    history.write();
    drop(history);
    assert!(child.wait().unwrap().success());
    assert!(git(folder, &["repack", "-adq"]).status().unwrap().success());
}

fn git(folder: &Path, arguments: &[&str]) -> Command {
    fs::create_dir_all(folder).unwrap();
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// An app and what its manifests say.
#[derive(Clone)]
struct App {
    name: String,
    folder: String,
    tag: u64,
    replicas: u64,
    settings: [u64; 12],
    is_commented: bool,
}

struct History<W: Write> {
    out: W,
    marks: u64,
    random: u64,
    apps: Vec<App>,
}

impl<W: Write> History<W> {
    fn write(&mut self) {
        while self.marks < COMMITS {
            if self.apps.len() < APPS && (self.apps.is_empty() || self.below(100) < 2) {
                self.found();
            } else {
                self.go_on();
            }
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        // Knuth's MMIX generator: the same history everywhere.
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % end
    }

    fn found(&mut self) {
        let number = self.apps.len();
        let app = App {
            name: format!("app-{number}"),
            folder: format!("apps/team-{}/app-{number}", number % 9),
            tag: 1,
            replicas: 1,
            settings: [1; 12],
            is_commented: false,
        };
        self.commit("main", &format!("Add {}", app.name), None, &files(&app));
        self.apps.push(app);
    }

    /// Mostly image bumps; a tenth of them by a branch that is merged.
    fn go_on(&mut self) {
        let index = self.below(self.apps.len() as u64) as usize;
        let mut app = self.apps[index].clone();
        let mut changes = String::new();
        let subject = match self.below(100) {
            0 => {
                let old = std::mem::replace(&mut app.folder, format!("apps/moved-{}/{}", self.marks % 7, app.name));
                writeln!(changes, "D {old}").unwrap();
                "Move"
            }
            1..=3 => {
                app.is_commented = !app.is_commented;
                "Reformat"
            }
            4..=9 => {
                app.replicas = self.below(9) + 1;
                "Scale"
            }
            10..=19 => {
                let setting = self.below(app.settings.len() as u64) as usize;
                app.settings[setting] += 1;
                "Configure"
            }
            _ => {
                app.tag += 1;
                "Update the image of"
            }
        };
        let subject = format!("{subject} {}", app.name);
        changes += &files(&app);
        if self.below(10) == 0 {
            self.merge(&subject, &changes);
        } else {
            self.commit("main", &subject, None, &changes);
        }
        self.apps[index] = app;
    }

    /// A branch that began at the tip and is merged after main went on.
    fn merge(&mut self, subject: &str, changes: &str) {
        let base = self.marks;
        let side = self.commit("side", subject, Some(format!("from :{base}\n")), changes);
        let note = format!("M 100644 inline notes/{}.md\ndata 5\nnote\n\n", self.marks % 50);
        self.commit("main", "Note", Some(format!("from :{base}\n")), &note);
        self.commit("main", "Merge", Some(format!("merge :{side}\n")), changes);
    }

    fn commit(&mut self, branch: &str, subject: &str, parents: Option<String>, changes: &str) -> u64 {
        self.marks += 1;
        let (mark, time) = (self.marks, 1_600_000_000 + self.marks * 600);
        let person = format!("Person {} <person-{0}@example.com> {time} +0000", mark % 11);
        write!(self.out, "commit refs/heads/{branch}\nmark :{mark}\nauthor {person}\ncommitter {person}\n").unwrap();
        write!(self.out, "data {}\n{subject}\n{}{changes}\n", subject.len(), parents.unwrap_or_default()).unwrap();
        mark
    }
}

/// The manifests of an app as commands of fast-import.
fn files(app: &App) -> String {
    let mut commands = String::new();
    for (name, text) in [("deployment", deployment(app)), ("service", service(app)), ("settings", settings(app))] {
        write!(commands, "M 100644 inline {}/{name}.yaml\ndata {}\n{text}\n", app.folder, text.len()).unwrap();
    }
    commands
}

fn deployment(app: &App) -> String {
    let App { name, tag, replicas, .. } = app;
    let comment = if app.is_commented { "# Owned by the team of this folder.\n" } else { "" };
    format!(
        "{comment}apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: default\n  labels:\n    app: {name}\nspec:\n  \
         replicas: {replicas}\n  selector:\n    matchLabels:\n      app: {name}\n  template:\n    metadata:\n      labels:\n        app: {name}\n    \
         spec:\n      containers:\n      - name: {name}\n        image: registry.example/{name}:1.{tag}\n        ports:\n        - name: http\n          \
         containerPort: 8080\n        envFrom:\n        - configMapRef:\n            name: {name}\n        resources:\n          requests:\n            \
         cpu: 10m\n            memory: 64Mi\n          limits:\n            memory: 256Mi\n        securityContext:\n          \
         readOnlyRootFilesystem: true\n          allowPrivilegeEscalation: false\n"
    )
}

fn service(App { name, .. }: &App) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  namespace: default\nspec:\n  selector:\n    app: {name}\n  ports:\n  - name: http\n    \
         port: 80\n    targetPort: http\n"
    )
}

fn settings(app: &App) -> String {
    let name = &app.name;
    let mut text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\ndata:\n");
    for (index, setting) in app.settings.iter().enumerate() {
        writeln!(text, "  SETTING_{index}: value-{setting}").unwrap();
    }
    text
}
