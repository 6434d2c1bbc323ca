//! What a person sees.

use super::{Record, blame_of_web, encoded, format, hostile, partial, style, terminal};
use crate::model::fixture::{clean, drifted};
use crate::model::scan::Scan;
use crate::report::Style;

fn blamed(scan: &Scan, width: Option<usize>) -> String {
    let mut out = Vec::new();
    (format("terminal").unwrap().blame.unwrap())(&blame_of_web(scan), &style(width), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn columns(line: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(line)
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in 40..=170 {
        for scan in [clean(), drifted(), partial(), hostile()] {
            for line in terminal(&scan, Some(width)).lines() {
                assert!(columns(line) <= width, "{} of {width}: {line}", columns(line));
            }
        }
        for line in blamed(&drifted(), Some(width)).lines() {
            assert!(columns(line) <= width, "{} of {width}: {line}", columns(line));
        }
    }
}

#[test]
fn nothing_from_elsewhere_steers_the_terminal() {
    for width in [None, Some(60), Some(100)] {
        let text = terminal(&hostile(), width);
        let steering = |character: char| {
            character.is_control() && character != '\n'
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        };
        assert!(!text.contains(steering), "{text:?}");
        assert!(text.contains("\\u{1b}"));
    }
}

#[test]
fn colour_only_repeats_what_words_say() {
    let colored = Style { color: true, ..style(Some(100)) };
    let text = encoded(&Record::of(&drifted(), None), "terminal", &colored);
    let plain: String = anstream::adapter::strip_str(&text).to_string();
    assert!(text.len() > plain.len());
    assert_eq!(plain, terminal(&drifted(), Some(100)));
}

#[test]
fn ascii_draws_with_ascii_only() {
    let ascii = Style { ascii: true, ..style(Some(100)) };
    let text = encoded(&Record::of(&drifted(), None), "terminal", &ascii);
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn a_name_of_many_words_does_not_fill_the_screen() {
    let mut scan = drifted();
    scan.histories.commits[1].author.name = "word ".repeat(20_000).as_str().into();
    scan.not_evaluated = partial().not_evaluated;
    scan.not_evaluated[30].detail = Some("word ".repeat(20_000));
    for width in [60, 100, 160] {
        let lines = terminal(&scan, Some(width)).lines().count() + blamed(&scan, Some(width)).lines().count();
        assert!(lines < 150, "{lines}");
    }
}

#[test]
fn nothing_evaluated_is_not_in_sync() {
    let mut scan = partial();
    scan.comparisons.clear();
    scan.coverage.evaluated = 0;
    let text = terminal(&scan, Some(100));
    assert!(text.starts_with("Partial: 0 of 30 objects evaluated") && !text.contains("in sync"), "{text}");
    let text = terminal(&crate::model::fixture::empty(), Some(100));
    assert!(text.starts_with("Nothing compared: no object"), "{text}");
}

#[test]
fn a_wrong_signature_is_told_in_the_verdict() {
    let mut scan = clean();
    scan.findings = hostile().findings;
    let text = terminal(&scan, Some(100));
    assert!(text.starts_with("In sync: 14 of 14 objects match Git. But 1 commit is not what it claims.\n"), "{text}");
}

#[test]
fn a_drifted_object_says_that_it_is_declared_differently_elsewhere() {
    let mut scan = drifted();
    let comparison = scan.comparisons.iter_mut().find(|comparison| comparison.id.name == "settings").unwrap();
    comparison.reason = Some("declared differently elsewhere".into());
    let text = terminal(&scan, Some(100));
    assert!(text.contains("\nConfigMap shop/settings   declared differently elsewhere\n  data.debug"), "{text}");
}

#[test]
fn a_certificate_is_shown_with_its_identity_and_who_told_that() {
    let mut scan = drifted();
    for facts in scan.signatures.values_mut() {
        facts.identities = vec!["carol@example.com".into()];
        facts.issuer = Some("https://accounts.example".into());
    }
    let text = terminal(&scan, None);
    assert!(text.contains("proven: Carol's key 5B1E9F3C4D2011AB (carol@example.com by https://accounts.example)"), "{text}");
}

#[test]
fn a_clean_scan_is_short() {
    insta::assert_snapshot!(terminal(&clean(), Some(100)), @r#"
    In sync: 14 of 14 objects match Git.
    cluster prod v1.36.3 · fleet main@9c1f2ab · 21 Nov 2026 09:14:07 UTC
    31 requests, all reads, in 1.1 s
    declared by 3 authors: 10 objects proven by the author's own key, 2 by the forge only, 2 unsigned
    "#);
}

#[test]
fn drift_on_a_terminal_of_100_columns() {
    insta::assert_snapshot!(terminal(&drifted(), Some(100)), @r#"
    Drift: 3 objects differ from Git, 1 is missing, 1 is not in Git. 14 of 19 match.
    cluster prod v1.36.3 · fleet main@9c1f2ab · 21 Nov 2026 09:14:07 UTC
    31 requests, all reads, in 1.1 s
    injected: 1 field in 1 object, set by admission or an allocator and declared by nobody

    ConfigMap shop/settings
      data.debug   not declared
        live      "true"   k9s, 16 hours ago
      data.level   removed live
        declared  info     apps/web/settings.yaml:4   1c0ffee Alice Chen, 8 days ago   unsigned
        live      (gone)   writer not recorded
      data["app.ini"]   1 of 13 lines differs
        --- declared   apps/web/settings.yaml:3   1c0ffee Alice Chen, 8 days ago   unsigned
        +++ live       k9s, 16 hours ago
        @@ -10,4 +10,4 @@
         option9 = 9
         [db]
        -pool = 10
        +pool = 100
         name = shop
    Secret shop/db
      data.password
        declared  (a secret value)         apps/web/secret.yaml:3   5d2e9f0 Carol Diaz, 3 days ago
                                           proven: Carol's key 5B1E9F3C4D2011AB
        live      (another secret value)   kubectl-patch, time not recorded
    Deployment shop/web
      spec.replicas
        declared  3   apps/web/deployment.yaml:3   77ab310 Bob Ito, 2 months ago
                      forge only: signed by github.com
        live      5   kubectl (scale), time not recorded
      spec.template.spec.containers[name=web].image
        declared  shop/web:1.4   apps/web/deployment.yaml:4   4be1d2a Alice Chen, 12 days ago
                                 proven: Alice's key 5B1E9F3C4D2011AB
        live      shop/web:1.5   kubectl-edit, 3 hours ago
    Job ops/migrate   missing
      declared in apps/ops/migrate.yaml:1   5d2e9f0 Carol Diaz, 3 days ago
      proven: Carol's key 5B1E9F3C4D2011AB
    Service shop/legacy   not in Git   created by kubectl-create, 40 days ago

    ╭────────────────┬───────────────┬─────────────────────╮
    │ object states  │ namespaces    │ proof of authorship │
    ├────────────────┼───────────────┼─────────────────────┤
    │ drifted      3 │ ops    1 of 8 │ author's key  13    │
    │ missing      1 │ shop  4 of 11 │ forge only     2    │
    │ undeclared   1 │               │ unsigned       3    │
    │ synced      14 │               │                     │
    ╰────────────────┴───────────────┴─────────────────────╯

    next: kubewitness blame configmap/settings -n shop   who declared every field
    "#);
}

#[test]
fn drift_on_a_terminal_of_60_columns() {
    insta::assert_snapshot!(terminal(&drifted(), Some(60)), @r#"
    Drift: 3 objects differ from Git, 1 is missing, 1 is not in
      Git. 14 of 19 match.
    cluster prod v1.36.3 · fleet main@9c1f2ab
    21 Nov 2026 09:14:07 UTC · 31 requests, all reads, in 1.1 s
    injected: 1 field in 1 object, set by admission or an
      allocator and declared by nobody

    ConfigMap shop/settings
      data.debug   not declared
        live      "true"   k9s, 16 hours ago
      data.level   removed live
        declared  info     apps/web/settings.yaml:4
                           1c0ffee Alice Chen, 8 days ago
                           unsigned
        live      (gone)   writer not recorded
      data["app.ini"]   1 of 13 lines differs
        --- declared
            apps/web/settings.yaml:3
            1c0ffee Alice Chen, 8 days ago   unsigned
        +++ live       k9s, 16 hours ago
        @@ -10,4 +10,4 @@
         option9 = 9
         [db]
        -pool = 10
        +pool = 100
         name = shop
    Secret shop/db
      data.password
        declared  (a secret value)
                  apps/web/secret.yaml:3
                  5d2e9f0 Carol Diaz, 3 days ago
                  proven: Carol's key 5B1E9F3C4D2011AB
        live      (another secret value)
                  kubectl-patch, time not recorded
    Deployment shop/web
      spec.replicas
        declared  3   apps/web/deployment.yaml:3
                      77ab310 Bob Ito, 2 months ago
                      forge only: signed by github.com
        live      5   kubectl (scale), time not recorded
      spec.template.spec.containers[name=web].image
        declared  shop/web:1.4
                  apps/web/deployment.yaml:4
                  4be1d2a Alice Chen, 12 days ago
                  proven: Alice's key 5B1E9F3C4D2011AB
        live      shop/web:1.5
                  kubectl-edit, 3 hours ago
    Job ops/migrate   missing
      declared in apps/ops/migrate.yaml:1
      5d2e9f0 Carol Diaz, 3 days ago
      proven: Carol's key 5B1E9F3C4D2011AB
    Service shop/legacy   not in Git
      created by kubectl-create, 40 days ago

    ╭────────────────┬───────────────┬─────────────────────╮
    │ object states  │ namespaces    │ proof of authorship │
    ├────────────────┼───────────────┼─────────────────────┤
    │ drifted      3 │ ops    1 of 8 │ author's key  13    │
    │ missing      1 │ shop  4 of 11 │ forge only     2    │
    │ undeclared   1 │               │ unsigned       3    │
    │ synced      14 │               │                     │
    ╰────────────────┴───────────────┴─────────────────────╯

    next: kubewitness blame configmap/settings -n shop
    "#);
}

#[test]
fn drift_in_a_pipe() {
    insta::assert_snapshot!(terminal(&drifted(), None), @r#"
    Drift: 3 objects differ from Git, 1 is missing, 1 is not in Git. 14 of 19 match.
    cluster prod v1.36.3 · fleet main@9c1f2ab · 2026-11-21T09:14:07Z · 31 requests, all reads, in 1.1 s
    injected: 1 field in 1 object, set by admission or an allocator and declared by nobody

    ConfigMap shop/settings
      data.debug   not declared
        live      "true"   k9s, 2026-11-20T17:14:07Z
      data.level   removed live
        declared  info     apps/web/settings.yaml:4   1c0ffee Alice Chen, 2026-11-13T09:14:07Z   unsigned
        live      (gone)   writer not recorded
      data["app.ini"]   1 of 13 lines differs
        --- declared   apps/web/settings.yaml:3   1c0ffee Alice Chen, 2026-11-13T09:14:07Z   unsigned
        +++ live       k9s, 2026-11-20T17:14:07Z
        @@ -10,4 +10,4 @@
         option9 = 9
         [db]
        -pool = 10
        +pool = 100
         name = shop
    Secret shop/db
      data.password
        declared  (a secret value)         apps/web/secret.yaml:3   5d2e9f0 Carol Diaz, 2026-11-18T09:14:07Z   proven: Carol's key 5B1E9F3C4D2011AB
        live      (another secret value)   kubectl-patch, time not recorded
    Deployment shop/web
      spec.replicas
        declared  3   apps/web/deployment.yaml:3   77ab310 Bob Ito, 2026-09-21T09:14:07Z   forge only: signed by github.com
        live      5   kubectl (scale), time not recorded
      spec.template.spec.containers[name=web].image
        declared  shop/web:1.4   apps/web/deployment.yaml:4   4be1d2a Alice Chen, 2026-11-09T09:14:07Z   proven: Alice's key 5B1E9F3C4D2011AB
        live      shop/web:1.5   kubectl-edit, 2026-11-21T06:14:07Z
    Job ops/migrate   missing   declared in apps/ops/migrate.yaml:1   5d2e9f0 Carol Diaz, 2026-11-18T09:14:07Z   proven: Carol's key 5B1E9F3C4D2011AB
    Service shop/legacy   not in Git   created by kubectl-create, 2026-10-12T09:14:07Z

    object states
      drifted      3
      missing      1
      undeclared   1
      synced      14
    namespaces
      ops    1 of 8
      shop  4 of 11
    proof of authorship
      author's key  13
      forge only     2
      unsigned       3

    next: kubewitness blame configmap/settings -n shop   who declared every field
    "#);
}

#[test]
fn what_could_not_be_judged() {
    insta::assert_snapshot!(terminal(&partial(), Some(100)), @r#"
    Partial: 14 of 44 objects evaluated, 30 could not be, 1 kind could not be listed. Among the
      evaluated: in sync, 14 of 14 objects match Git.
    cluster prod v1.36.3 · fleet main@9c1f2ab · 21 Nov 2026 09:14:07 UTC · 5 objects excluded by rule
    31 requests, all reads, in 1.1 s
    declared by 3 authors: 10 objects proven by the author's own key, 2 by the forge only, 2 unsigned

    Not evaluated
      Secret: forbidden (30 objects)
        these credentials may not read it; `kubewitness rbac` prints the rule
      source infra: not fetched
        https://git.example.com/infra: 401 Unauthorized
      not listed: Secret (forbidden); what there is of them is in no number above

    next: kubewitness rbac   the smallest role for this scan
    "#);
}

#[test]
fn what_could_not_be_judged_on_60_columns() {
    insta::assert_snapshot!(terminal(&partial(), Some(60)), @r#"
    Partial: 14 of 44 objects evaluated, 30 could not be, 1 kind
      could not be listed. Among the evaluated: in sync, 14 of
      14 objects match Git.
    cluster prod v1.36.3 · fleet main@9c1f2ab
    21 Nov 2026 09:14:07 UTC · 5 objects excluded by rule
    31 requests, all reads, in 1.1 s
    declared by 3 authors: 10 objects proven by the author's own
      key, 2 by the forge only, 2 unsigned

    Not evaluated
      Secret: forbidden (30 objects)
        these credentials may not read it; `kubewitness rbac`
        prints the rule
      source infra: not fetched
        https://git.example.com/infra: 401 Unauthorized
      not listed: Secret (forbidden); what there is of them is
        in no number above

    next: kubewitness rbac   the smallest role for this scan
    "#);
}

#[test]
fn blame_on_a_wide_terminal() {
    insta::assert_snapshot!(blamed(&drifted(), Some(140)), @r#"
    Deployment shop/web · fleet main@9c1f2ab · 2 of 4 declared fields differ live
    github.com  ~  77ab310  Bob Ito     2026-09-21  apps/web/deployment.yaml:3  spec.replicas                3
                                                                                ≠ live 5 (kubectl scale)
    …4D2011AB   ✔  4be1d2a  Alice Chen  2026-11-09  apps/web/deployment.yaml:4  …containers[name=web].image  shop/web:1.4
                                                                                ≠ live shop/web:1.5 (kubectl-edit, 3 hours ago)
                                                                            :5  …containers[name=web].name   web
    unsigned    !  1c0ffee  Alice Chen  2026-11-13  apps/web/deployment.yaml:6  …requests.cpu                100m
    "#);
}

#[test]
fn blame_on_a_narrow_terminal() {
    insta::assert_snapshot!(blamed(&drifted(), Some(60)), @r#"
    Deployment shop/web · fleet main@9c1f2ab
    2 of 4 declared fields differ live
    77ab310 Bob Ito, 2026-09-21, forge only: signed by
      github.com
      apps/web/deployment.yaml
        3: spec.replicas  3
          ≠ live 5 (kubectl scale)
    4be1d2a Alice Chen, 2026-11-09, proven: Alice's key
      5B1E9F3C4D2011AB
      apps/web/deployment.yaml
        4: …containers[name=web].image  shop/web:1.4
          ≠ live shop/web:1.5 (kubectl-edit, 3 hours ago)
        5: …containers[name=web].name  web
    1c0ffee Alice Chen, 2026-11-13, unsigned
      apps/web/deployment.yaml
        6: …requests.cpu  100m
    "#);
}

#[test]
fn hostile_names_on_a_terminal() {
    insta::assert_snapshot!(terminal(&hostile(), Some(100)), @r#"
    Partial: 2 of 2 objects evaluated, 1 other thing could not be judged. Among the evaluated: 1 object
      differs from Git, 1 is not in Git. 0 of 2 match. But 1 commit is not what it claims.
    cluster prod v1.36.3 · fleet main@9c1f2ab · 21 Nov 2026 09:14:07 UTC
    31 requests, all reads, in 1.1 s

    1 commit is not what it claims
      signature-invalid: commit bad by \u{1b}[31mAlice\u{202e} carries a wrong signature

    ConfigMap shop\u{1b}[1m/n\u{feff}…n\u{feff}李n\u{feff}李n\u{feff}李n\u{feff}李n\u{feff}李n\u{feff}李
      data.large
        declared  (70,000 bytes, sha256:bca09f4a757d)   apps/\u{1b}]8;;http://evil\u{7}.yaml:4
                                                        bad0000 J%F6rg 100%25 \u{1b}[31m, 1 day ago
                                                        wrong signature (weak\u{1b}[2J-digest)
        live      y                                     k9s\u{1b}[8m\u{2066}, time not recorded
      data.text   3 of 3 lines differ
        --- declared
            apps/\u{1b}]8;;http://evil\u{7}.yaml:5   bad0000 J%F6rg 100%25 \u{1b}[31m, 1 day ago
            wrong signature (weak\u{1b}[2J-digest)
        +++ live       k9s\u{1b}[8m\u{2066}, time not recorded
        @@ -1,3 +1,3 @@
        -one\r
        -two\u{1b}[0m\x20
        -three
        \ no line break at the end
        +one
        +two\u{1b}[0m
        +three
      data.wide
        declared  李伟李伟李伟李伟李伟李伟李伟…李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟
                  apps/\u{1b}]8;;http://evil\u{7}.yaml:6   bad0000 J%F6rg 100%25 \u{1b}[31m, 1 day ago
                  wrong signature (weak\u{1b}[2J-digest)
        live      李伟李伟李伟李伟李伟李伟李伟…李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟李伟x
                  k9s\u{1b}[8m\u{2066}, time not recorded
      data["\\u001b[31mkey\u{200b}"]
        declared  a\u{9b}1m\u{202e}b   apps/\u{1b}]8;;http://evil\u{7}.yaml:3
                                       bad0000 J%F6rg 100%25 \u{1b}[31m, 1 day ago
                                       wrong signature (weak\u{1b}[2J-digest)
        live      \u{1b}c              k9s\u{1b}[8m\u{2066}, time not recorded
    Ki\u{85}nd n/\u{2028}   not in Git   created by \u{1b}[5m, time not recorded

    Not evaluated
      file \u{1b}[31m: cannot be \u{202e}read
        line
        \u{1b}[2J

    ╭───────────────┬───────────────────────┬─────────────────────╮
    │ object states │ namespaces            │ proof of authorship │
    ├───────────────┼───────────────────────┼─────────────────────┤
    │ drifted     1 │ n              1 of 1 │ wrong signature  1  │
    │ undeclared  1 │ shop\u{1b}[1m  1 of 1 │                     │
    ╰───────────────┴───────────────────────┴─────────────────────╯

    next: kubewitness explain signature-invalid   what a finding means and what to do
    "#);
}

fn provenance(scan: &Scan, width: Option<usize>) -> String {
    let mut out = Vec::new();
    (format("terminal").unwrap().provenance.unwrap())(&Record::of(scan, None), &style(width), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_provenance_report_fits_and_is_steered_by_nobody() {
    for width in 40..=170 {
        for scan in [clean(), drifted(), partial(), hostile()] {
            let text = provenance(&scan, Some(width));
            assert!(!text.contains('\u{1b}'), "{text:?}");
            for line in text.lines() {
                assert!(columns(line) <= width, "{} of {width}: {line}", columns(line));
            }
        }
    }
}

#[test]
fn provenance_on_a_terminal_of_80_columns() {
    insta::assert_snapshot!(provenance(&drifted(), Some(80)), @r#"
    Provenance: 11 of 18 live objects and 13 of 21 fields of them are declared under
      the author's own key. 3 differ live from what is declared. 1 declared object
      is not live and not counted.
    cluster prod v1.36.3 · fleet main@9c1f2ab · 21 Nov 2026 09:14:07 UTC
    31 requests, all reads, in 1.1 s
    Not provable from Git alone: who pushed, who reviewed, when a commit was made.
    Claims: names that are not called proven, a forge's word on authors, names of
      managers, and that what was applied came from this repository.

    proof of authorship   objects, by weakest field     fields
    author's key                           11 of 18   13 of 21
    forge only                              2 of 18    3 of 21
    unsigned                                4 of 18    5 of 21
    declared nowhere                        1 of 18

    authors, as commits name them    objects, newest change           fields
    Alice Chen <alice@example.com>           7 of 10 proven   8 of 13 proven
    Carol Diaz <carol@example.com>            5 of 5 proven    5 of 5 proven
    Bob Ito <bob@example.com>                 0 of 2 proven    0 of 3 proven

    keys that signed
      5B1E9F3C4D2011AB 14 objects, 16 fields, 3 commits Alice Chen
          <alice@example.com>, Bob Ito <bob@example.com>, Carol Diaz
          <carol@example.com>

    namespace ops: 7 objects
      ConfigMap ops/settings-01
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago
          proven: Alice's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap ops/settings-03
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago
          proven: Alice's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap ops/settings-05
          apps/settings.yaml:1   5d2e9f0 Carol Diaz, 3 days ago
          proven: Carol's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap ops/settings-07
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago
          proven: Alice's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap ops/settings-09
          apps/settings.yaml:1   5d2e9f0 Carol Diaz, 3 days ago
          proven: Carol's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap ops/settings-11
          apps/settings.yaml:1   77ab310 Bob Ito, 2 months ago
          forge only: signed by github.com   applier not recorded
      ConfigMap ops/settings-13
          apps/settings.yaml:1   1c0ffee Alice Chen, 8 days ago   unsigned
          applier not recorded

    namespace shop: 11 objects
      ConfigMap shop/settings
          apps/web/settings.yaml:1   1c0ffee Alice Chen, 8 days ago   unsigned
          applier not recorded   live: drifted
      ConfigMap shop/settings-00
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago
          proven: Alice's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap shop/settings-02
          apps/settings.yaml:1   5d2e9f0 Carol Diaz, 3 days ago
          proven: Carol's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap shop/settings-04
          apps/settings.yaml:1   77ab310 Bob Ito, 2 months ago
          forge only: signed by github.com   applier not recorded
      ConfigMap shop/settings-06
          apps/settings.yaml:1   1c0ffee Alice Chen, 8 days ago   unsigned
          applier not recorded
      ConfigMap shop/settings-08
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago
          proven: Alice's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap shop/settings-10
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago
          proven: Alice's key 5B1E9F3C4D2011AB   applier not recorded
      ConfigMap shop/settings-12
          apps/settings.yaml:1   5d2e9f0 Carol Diaz, 3 days ago
          proven: Carol's key 5B1E9F3C4D2011AB   applier not recorded
      Secret shop/db
          apps/web/secret.yaml:1   5d2e9f0 Carol Diaz, 3 days ago
          proven: Carol's key 5B1E9F3C4D2011AB   applier not recorded
          live: drifted
      Service shop/legacy
          declared nowhere   created by kubectl-create, 40 days ago
      Deployment shop/web
          apps/web/deployment.yaml:1   4be1d2a Alice Chen, 12 days ago
          proven: Alice's key 5B1E9F3C4D2011AB
          fields: 2 author's key, 1 forge only, 1 unsigned   applier not recorded
          live: drifted
    "#);
}

#[test]
fn provenance_on_a_terminal_of_120_columns() {
    insta::assert_snapshot!(provenance(&drifted(), Some(120)), @r#"
    Provenance: 11 of 18 live objects and 13 of 21 fields of them are declared under the author's own key. 3 differ live
      from what is declared. 1 declared object is not live and not counted.
    cluster prod v1.36.3 · fleet main@9c1f2ab · 21 Nov 2026 09:14:07 UTC · 31 requests, all reads, in 1.1 s
    Not provable from Git alone: who pushed, who reviewed, when a commit was made.
    Claims: names that are not called proven, a forge's word on authors, names of managers, and that what was applied came
      from this repository.

    proof of authorship   objects, by weakest field     fields
    author's key                           11 of 18   13 of 21
    forge only                              2 of 18    3 of 21
    unsigned                                4 of 18    5 of 21
    declared nowhere                        1 of 18

    authors, as commits name them    objects, newest change           fields
    Alice Chen <alice@example.com>           7 of 10 proven   8 of 13 proven
    Carol Diaz <carol@example.com>            5 of 5 proven    5 of 5 proven
    Bob Ito <bob@example.com>                 0 of 2 proven    0 of 3 proven

    keys that signed
      5B1E9F3C4D2011AB 14 objects, 16 fields, 3 commits Alice Chen <alice@example.com>, Bob Ito <bob@example.com>, Carol
          Diaz <carol@example.com>

    namespace ops: 7 objects
      ConfigMap ops/settings-01
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago   proven: Alice's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap ops/settings-03
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago   proven: Alice's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap ops/settings-05
          apps/settings.yaml:1   5d2e9f0 Carol Diaz, 3 days ago   proven: Carol's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap ops/settings-07
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago   proven: Alice's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap ops/settings-09
          apps/settings.yaml:1   5d2e9f0 Carol Diaz, 3 days ago   proven: Carol's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap ops/settings-11
          apps/settings.yaml:1   77ab310 Bob Ito, 2 months ago   forge only: signed by github.com   applier not recorded
      ConfigMap ops/settings-13   apps/settings.yaml:1   1c0ffee Alice Chen, 8 days ago   unsigned   applier not recorded

    namespace shop: 11 objects
      ConfigMap shop/settings
          apps/web/settings.yaml:1   1c0ffee Alice Chen, 8 days ago   unsigned   applier not recorded   live: drifted
      ConfigMap shop/settings-00
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago   proven: Alice's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap shop/settings-02
          apps/settings.yaml:1   5d2e9f0 Carol Diaz, 3 days ago   proven: Carol's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap shop/settings-04
          apps/settings.yaml:1   77ab310 Bob Ito, 2 months ago   forge only: signed by github.com   applier not recorded
      ConfigMap shop/settings-06   apps/settings.yaml:1   1c0ffee Alice Chen, 8 days ago   unsigned   applier not recorded
      ConfigMap shop/settings-08
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago   proven: Alice's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap shop/settings-10
          apps/settings.yaml:1   4be1d2a Alice Chen, 12 days ago   proven: Alice's key 5B1E9F3C4D2011AB
          applier not recorded
      ConfigMap shop/settings-12
          apps/settings.yaml:1   5d2e9f0 Carol Diaz, 3 days ago   proven: Carol's key 5B1E9F3C4D2011AB
          applier not recorded
      Secret shop/db
          apps/web/secret.yaml:1   5d2e9f0 Carol Diaz, 3 days ago   proven: Carol's key 5B1E9F3C4D2011AB
          applier not recorded   live: drifted
      Service shop/legacy   declared nowhere   created by kubectl-create, 40 days ago
      Deployment shop/web
          apps/web/deployment.yaml:1   4be1d2a Alice Chen, 12 days ago   proven: Alice's key 5B1E9F3C4D2011AB
          fields: 2 author's key, 1 forge only, 1 unsigned   applier not recorded   live: drifted
    "#);
}

#[test]
fn provenance_into_a_pipe_shortens_nothing_and_has_a_line_for_each_object() {
    let text = provenance(&drifted(), None);
    assert!(
        text.contains(
            "\n  Deployment shop/web   apps/web/deployment.yaml:1   4be1d2a Alice Chen, 2026-11-09T09:14:07Z   proven: Alice's key \
         5B1E9F3C4D2011AB   fields: 2 author's key, 1 forge only, 1 unsigned   applier not recorded   live: drifted\n"
        ),
        "{text}"
    );
    assert_eq!(text.matches("applier not recorded").count(), 17);
}
