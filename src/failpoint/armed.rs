//! Dying at a point, and what a power loss there would have undone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard};

use super::{Death, POINTS, Step, Thing};

static STATE: LazyLock<Option<Mutex<State>>> = LazyLock::new(|| {
    let text = std::env::var("ROOTMARK_FAIL_POINT").ok()?;
    let armed = parse(&text);
    assert!(
        armed.is_some(),
        "ROOTMARK_FAIL_POINT names no point: {text}"
    );
    armed.map(Mutex::new)
});

struct State {
    point: (Thing, Step),
    death: Death,
    /// Passes until the fatal one; 0 in it.
    left: u32,
    unsynced: Vec<Change>,
}

/// A change that is not on the disk yet.
struct Change {
    path: PathBuf,
    /// What the path had; `None` where nothing was there.
    old: Option<Vec<u8>>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Content,
    Name,
}

/// Before a step.
pub fn before(thing: Thing, step: Step, path: &Path) {
    let listed = |(known, steps): &(Thing, &[Step])| *known == thing && steps.contains(&step);
    assert!(
        POINTS.iter().any(listed),
        "{thing:?} {step:?} is not listed in POINTS"
    );
    let Some(mut state) = state() else { return };
    if state.point == (thing, step) {
        state.left = state.left.wrapping_sub(1);
        if state.left == 0 && state.death == Death::Before {
            std::process::abort();
        }
    }
    state.note(step, path);
}

/// After a step.
pub fn after(thing: Thing, step: Step, path: &Path) {
    let Some(mut state) = state() else { return };
    match step {
        Step::Sync => state.forget(Kind::Content, |changed| changed == path),
        Step::SyncFolder => state.forget(Kind::Name, |changed| changed.parent() == Some(path)),
        _ => {}
    }
    if state.point == (thing, step) && state.left == 0 {
        state.die();
    }
}

/// A file that was not synced has another name now.
pub fn renamed(from: &Path, to: &Path) {
    let Some(mut state) = state() else { return };
    for change in &mut state.unsynced {
        if change.path == from && change.kind == Kind::Content {
            change.path = to.to_owned();
        }
    }
}

fn state() -> Option<MutexGuard<'static, State>> {
    let state = STATE.as_ref()?;
    Some(
        state
            .lock()
            .expect("a process that panics here is meant to die"),
    )
}

impl State {
    fn note(&mut self, step: Step, path: &Path) {
        let kinds: &[Kind] = match step {
            Step::Sync | Step::SyncFolder | Step::Commit => &[],
            Step::Write | Step::Append if !path.exists() => &[Kind::Name, Kind::Content],
            Step::Write | Step::Append | Step::Cut => &[Kind::Content],
            Step::MakeFolder | Step::Rename | Step::Link | Step::Remove => &[Kind::Name],
        };
        for kind in kinds {
            let (path, old) = (path.to_owned(), fs::read(path).ok());
            let kind = *kind;
            self.unsynced.push(Change { path, old, kind });
        }
    }

    fn forget(&mut self, kind: Kind, is_synced: impl Fn(&Path) -> bool) {
        self.unsynced
            .retain(|change| change.kind != kind || !is_synced(&change.path));
    }

    fn die(&mut self) -> ! {
        let step = self.point.1;
        if self.death == Death::Alone {
            let own = self.unsynced.pop().map(|change| (change.path, change.kind));
            // A new file is two changes: its name and its content.
            if matches!(step, Step::Write | Step::Append) {
                let is_own = |c: &mut Change| own.as_ref().is_some_and(|own| own.0 == c.path);
                self.unsynced.pop_if(is_own);
            }
        }
        if self.death != Death::Kept {
            while let Some(change) = self.unsynced.pop() {
                if let Err(error) = change.undo(self.death == Death::Half) {
                    eprintln!("cannot undo {}: {error}", change.path.display());
                    std::process::exit(1);
                }
            }
        }
        std::process::abort();
    }
}

impl Change {
    fn undo(&self, half: bool) -> io::Result<()> {
        if self.path.is_dir() {
            return fs::remove_dir_all(&self.path);
        }
        let new = fs::read(&self.path).unwrap_or_default();
        match (&self.old, self.kind) {
            // With half of it the name has survived too.
            (_, Kind::Name) if half => Ok(()),
            (None, Kind::Name) => remove_if_there(&self.path, &new),
            (Some(old), Kind::Name) => {
                keep_aside(&self.path, &new)?;
                // Not into the file that is there: that may have another name as well.
                remove_if_there(&self.path, &new)?;
                fs::write(&self.path, old)
            }
            (old, Kind::Content) => {
                let Ok(file) = fs::File::options().write(true).open(&self.path) else {
                    return Ok(());
                };
                let old = old.as_deref().unwrap_or_default();
                if new.len() < old.len() {
                    return fs::write(&self.path, old);
                }
                let kept = if half { (new.len() - old.len()) / 2 } else { 0 };
                file.set_len((old.len() + kept) as u64)
            }
        }
    }
}

fn remove_if_there(path: &Path, new: &[u8]) -> io::Result<()> {
    keep_aside(path, new)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Somebody may have fetched it: the test must know what it was.
fn keep_aside(path: &Path, new: &[u8]) -> io::Result<()> {
    let Some(name) = path.file_name().filter(|_| !new.is_empty()) else {
        return Ok(());
    };
    fs::write(
        path.with_file_name(format!(".{}.lost", name.to_string_lossy())),
        new,
    )
}

/// `thing.step:death@pass`; the first pass if none is named.
fn parse(text: &str) -> Option<State> {
    let (point, death) = text.split_once(':')?;
    let (death, pass) = death.split_once('@').unwrap_or((death, "1"));
    let (thing, step) = point.split_once('.')?;
    let (thing, steps) = POINTS.iter().find(|(known, _)| known.name() == thing)?;
    let step = *steps.iter().find(|known| known.name() == step)?;
    let death = *step.deaths().iter().find(|known| known.name() == death)?;
    Some(State {
        point: (*thing, step),
        death,
        left: pass.parse().ok().filter(|pass| *pass > 0)?,
        unsynced: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_point_can_be_armed_and_nothing_else() {
        for (thing, steps) in POINTS {
            for step in *steps {
                for death in step.deaths() {
                    let text = format!("{}.{}:{}@3", thing.name(), step.name(), death.name());
                    let state = parse(&text).expect(&text);
                    assert!(state.point == (*thing, *step) && state.death == *death);
                    assert_eq!(state.left, 3);
                }
            }
        }
        for bad in [
            "",
            "tile",
            "tile.append:lost",
            "seal.commit:lost",
            "tile.write:lost@0",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
