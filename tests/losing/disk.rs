//! What a power cut leaves of a directory.
//!
//! INVARIANT (synced stays): what was written to a file before its last sync is there, and so is each name that came, went or was moved before its directory was synced. Of what came later, chance
//! keeps any part of the bytes of a file, in any order and torn between sectors, and of the names of a directory any first part. A synced file is not found where its name was not synced.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::record::{Change, Record};
use crate::support::story::Numbers;

/// Bytes that a medium writes at once.
const SECTOR: usize = 512;

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All: a process was killed, not the machine.
    All,
    /// Nothing.
    None,
    /// All names, and nothing of what is in the files.
    Names,
    /// By chance; the number is the seed.
    Some(u64),
}

/// What a name leads to, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Dir(usize),
    File(usize),
}

type Dir = BTreeMap<OsString, Node>;

/// A change of names that happens as a whole: of which directory each, and what the name leads to then.
#[derive(Debug)]
struct Naming {
    /// The directory that has to be synced for it.
    of: usize,
    names: Vec<(usize, OsString, Option<Node>)>,
    is_synced: bool,
}

#[derive(Debug)]
enum Edit {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Debug, Default)]
struct File {
    synced: Vec<u8>,
    pending: Vec<Edit>,
}

/// A directory and all that was done to it so far.
#[derive(Debug)]
pub struct Disk {
    root: std::path::PathBuf,
    /// As they were when it began, and as a process sees them. The root is the first.
    before: Vec<Dir>,
    dirs: Vec<Dir>,
    namings: Vec<Naming>,
    files: Vec<File>,
    inodes: HashMap<u64, usize>,
}

impl Disk {
    /// A directory as it is, all of it synced.
    pub fn of(root: &Path) -> Disk {
        let mut disk = Disk {
            root: root.to_owned(),
            before: vec![],
            dirs: vec![Dir::new()],
            namings: vec![],
            files: vec![],
            inodes: HashMap::new(),
        };
        disk.take_in(root, 0);
        disk.before = disk.dirs.clone();
        disk
    }

    fn take_in(&mut self, path: &Path, dir: usize) {
        for entry in fs::read_dir(path).expect("a folder") {
            let entry = entry.expect("an entry");
            let node = if entry.path().is_dir() {
                self.dirs.push(Dir::new());
                let number = self.dirs.len() - 1;
                self.take_in(&entry.path(), number);
                Node::Dir(number)
            } else {
                self.file(entry.metadata().expect("there").ino(), fs::read(entry.path()).expect("it is read"))
            };
            self.dirs[dir].insert(entry.file_name(), node);
        }
    }

    fn file(&mut self, inode: u64, synced: Vec<u8>) -> Node {
        self.files.push(File { synced, pending: vec![] });
        self.inodes.insert(inode, self.files.len() - 1);
        Node::File(self.files.len() - 1)
    }

    /// The directory that a path lies in, and its name there. The root itself is nowhere.
    fn place(&self, path: &Path) -> Option<(usize, OsString)> {
        let below = path.strip_prefix(&self.root).expect("below the root");
        let name = below.file_name()?.to_owned();
        let mut dir = 0;
        for part in below.parent().expect("it has a name").components() {
            match self.dirs[dir].get(part.as_os_str()) {
                Some(Node::Dir(next)) => dir = *next,
                other => panic!("{} of {} is {other:?}", part.as_os_str().display(), path.display()),
            }
        }
        Some((dir, name))
    }

    fn name(&mut self, of: usize, names: Vec<(usize, OsString, Option<Node>)>) {
        set(&mut self.dirs, &names);
        self.namings.push(Naming { of, names, is_synced: false });
    }

    /// Does the next change.
    pub fn take(&mut self, record: &Record) {
        match &record.change {
            Change::Create { path, inode } => {
                let Some((dir, name)) = self.place(path) else { return };
                let node = self.file(*inode, Vec::new());
                self.name(dir, vec![(dir, name, Some(node))]);
            }
            Change::MakeDir { path } => {
                let Some((dir, name)) = self.place(path) else { return };
                self.dirs.push(Dir::new());
                self.before.push(Dir::new());
                let node = Node::Dir(self.dirs.len() - 1);
                self.name(dir, vec![(dir, name, Some(node))]);
            }
            Change::Remove { path } => {
                let Some((dir, name)) = self.place(path) else { return };
                self.name(dir, vec![(dir, name, None)]);
            }
            Change::Rename { from, to } => {
                let (Some((old_dir, old)), Some((dir, name))) = (self.place(from), self.place(to)) else { return };
                let node = self.dirs[old_dir].get(&old).copied();
                self.name(dir, vec![(old_dir, old, None), (dir, name, node)]);
            }
            Change::Link { from, to } => {
                let (Some((old_dir, old)), Some((dir, name))) = (self.place(from), self.place(to)) else { return };
                let node = self.dirs[old_dir].get(&old).copied();
                self.name(dir, vec![(dir, name, node)]);
            }
            Change::SyncDir { path } => {
                let dir = match self.place(path) {
                    None => 0,
                    Some((dir, name)) => match self.dirs[dir].get(&name) {
                        Some(Node::Dir(dir)) => *dir,
                        other => panic!("{} is {other:?}", path.display()),
                    },
                };
                self.namings.iter_mut().filter(|naming| naming.of == dir).for_each(|naming| naming.is_synced = true);
            }
            Change::Write { inode, at, bytes } => self.edit(*inode, Edit::Write(*at, bytes.clone())),
            Change::Truncate { inode, length } => self.edit(*inode, Edit::Truncate(*length)),
            Change::Sync { inode } => {
                if let Some(file) = self.inodes.get(inode) {
                    let File { synced, pending } = &mut self.files[*file];
                    pending.drain(..).for_each(|edit| edited(synced, &edit, None));
                }
            }
        }
    }

    fn edit(&mut self, inode: u64, edit: Edit) {
        // A file that was made where the log does not look is nobody's.
        if let Some(file) = self.inodes.get(&inode) {
            self.files[*file].pending.push(edit);
        }
    }

    /// Lays what a power cut leaves now into an empty directory.
    pub fn crash(&self, keep: Keep, into: &Path) {
        let mut chance = Numbers(if let Keep::Some(seed) = keep { seed } else { 0 });
        let mut dirs = self.before.clone();
        let mut left: HashMap<usize, u64> = HashMap::new();
        for naming in self.namings.iter().filter(|naming| !naming.is_synced) {
            *left.entry(naming.of).or_default() += 1;
        }
        // In an order that does not hang on hashes.
        let mut by_dir: Vec<_> = left.into_iter().collect();
        by_dir.sort_unstable();
        let mut left: HashMap<usize, u64> = by_dir
            .into_iter()
            .map(|(dir, count)| match keep {
                Keep::All | Keep::Names => (dir, count),
                Keep::None => (dir, 0),
                Keep::Some(_) => (dir, chance.below(count + 1)),
            })
            .collect();
        for naming in &self.namings {
            let kept = naming.is_synced || {
                let left = left.get_mut(&naming.of).expect("it was counted");
                let kept = *left > 0;
                *left = left.saturating_sub(1);
                kept
            };
            if kept {
                set(&mut dirs, &naming.names);
            }
        }
        self.lay(&dirs, 0, (keep, &mut chance), into);
    }

    fn lay(&self, dirs: &[Dir], dir: usize, (keep, chance): (Keep, &mut Numbers), into: &Path) {
        for (name, node) in &dirs[dir] {
            let path = into.join(name);
            match node {
                Node::Dir(dir) => {
                    fs::create_dir(&path).expect("made");
                    self.lay(dirs, *dir, (keep, chance), &path);
                }
                Node::File(file) => {
                    // Nobody else's, as all that the program makes: the log doesn't have it.
                    let mut open = fs::OpenOptions::new();
                    let mut made = open.write(true).create_new(true).mode(0o600).open(&path).expect("made");
                    made.write_all(&self.files[*file].left(keep, chance)).expect("written");
                }
            }
        }
    }
}

impl File {
    fn left(&self, keep: Keep, chance: &mut Numbers) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        match keep {
            Keep::All => self.pending.iter().for_each(|edit| edited(&mut bytes, edit, None)),
            Keep::None | Keep::Names => {}
            Keep::Some(_) => {
                let mut edits: Vec<&Edit> = self.pending.iter().collect();
                chance.shuffle(&mut edits);
                for edit in edits {
                    match chance.below(3) {
                        0 => {}
                        1 => edited(&mut bytes, edit, None),
                        _ => edited(&mut bytes, edit, Some(chance)),
                    }
                }
            }
        }
        bytes
    }
}

fn set(dirs: &mut [Dir], names: &[(usize, OsString, Option<Node>)]) {
    for (dir, name, node) in names {
        match node {
            Some(node) => drop(dirs[*dir].insert(name.clone(), *node)),
            None => drop(dirs[*dir].remove(name)),
        }
    }
}

/// With `tear`, only those sectors of a write that chance picks.
fn edited(bytes: &mut Vec<u8>, edit: &Edit, mut tear: Option<&mut Numbers>) {
    match edit {
        Edit::Truncate(length) => bytes.resize(*length, 0),
        Edit::Write(at, written) => {
            let mut from = 0;
            while from < written.len() {
                let to = (from + SECTOR - (at + from) % SECTOR).min(written.len());
                if tear.as_mut().is_none_or(|chance| chance.below(2) == 0) {
                    if bytes.len() < at + to {
                        bytes.resize(at + to, 0);
                    }
                    bytes[at + from..at + to].copy_from_slice(&written[from..to]);
                }
                from = to;
            }
        }
    }
}
