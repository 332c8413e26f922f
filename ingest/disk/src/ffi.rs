//! The VFS itself: a shim before the system's, in the shape in which SQLite calls it.
//!
//! SQLite gives room for a file and calls what its methods say. Our part of that room comes first, the system's own file behind it. What is sound about it hangs on four things that
//! SQLite promises ("The SQLite OS Interface or VFS"), and each block below names the one it leans on:
//!
//! - *room*: `xOpen` gets `szOsFile` bytes, aligned for any type, that live until `xClose` has returned;
//! - *own*: a file's methods are called with the pointer that our `xOpen` filled, and never from two threads at once;
//! - *strings*: names end in a zero byte and live as long as the call;
//! - *buffers*: a buffer has as many bytes as the call says.

use std::cell::Cell;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::{Arc, OnceLock};

use rusqlite::ffi::{
    self as sqlite, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_READ,
    SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE, SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_OPEN_MAIN_JOURNAL,
    SQLITE_OPEN_SUPER_JOURNAL, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_io_methods, sqlite3_vfs,
};

use crate::watch::{self, Op, Verdict, Watched};

/// What lies at the start of a file's room; the system's file follows.
#[repr(C)]
struct Shim {
    base: sqlite3_file,
    /// A box of ours, or null for a file that nobody watches.
    tracked: *mut Tracked,
}

struct Tracked {
    watched: Arc<Watched>,
    name: String,
    /// With its first sync the directory is synced, too: the system's VFS does that for a log or a journal that is new.
    syncs_dir: Cell<bool>,
}

/// The system's VFS. It lives as long as the process and is written once, before anything is opened through ours.
#[derive(Clone, Copy)]
struct System(*mut sqlite3_vfs);

// SAFETY: SQLite itself shares its VFS between threads; we only read it after it was found.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

static SYSTEM: OnceLock<System> = OnceLock::new();

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // Version 2 has no memory maps, so every read comes through here.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes the shim the VFS of whoever names none, once in a process.
///
/// # Panics
/// Where SQLite has no VFS, or does not take ours.
pub(crate) fn install() {
    SYSTEM.get_or_init(|| {
        // SAFETY: may be called at any time; a null name asks for the default. The result is null or lives for ever.
        let system = unsafe {
            sqlite::sqlite3_initialize();
            sqlite::sqlite3_vfs_find(null())
        };
        assert!(!system.is_null(), "SQLite has no VFS");
        // SAFETY: not null, and SQLite's own.
        let mut shim = unsafe { *system };
        shim.pNext = null_mut();
        shim.zName = c"vitalog-disk".as_ptr();
        shim.szOsFile += size_of::<Shim>() as c_int;
        shim.xOpen = Some(open);
        shim.xDelete = Some(delete);
        // SAFETY: the struct is leaked, so it lives as long as SQLite may call it; what we do not override are the system's own functions, which take any VFS that has its data.
        let taken = unsafe { sqlite::sqlite3_vfs_register(Box::into_raw(Box::new(shim)), 1) };
        assert_eq!(taken, SQLITE_OK, "SQLite does not take the VFS");
        System(system)
    });
}

fn system() -> *mut sqlite3_vfs {
    SYSTEM.get().map_or(null_mut(), |system| system.0)
}

/// The system's file behind ours.
///
/// # Safety
/// `file` is room that SQLite gave to our `xOpen`.
unsafe fn behind(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: (room) our part is followed by `szOsFile` bytes of the system's, and its size keeps their alignment.
    unsafe { file.cast::<u8>().add(size_of::<Shim>()).cast() }
}

/// The system's methods for its file.
///
/// # Safety
/// `file` was opened by our `xOpen`.
unsafe fn methods(file: *mut sqlite3_file) -> (&'static sqlite3_io_methods, *mut sqlite3_file) {
    // SAFETY: (own) the system's `xOpen` has set them, to a table that lives as long as the process.
    unsafe {
        let behind = behind(file);
        (&*(*behind).pMethods, behind)
    }
}

/// What watches a file.
///
/// # Safety
/// `file` was opened by our `xOpen` and is not closed, and the result is dropped before the call ends.
unsafe fn tracked<'f>(file: *mut sqlite3_file) -> Option<&'f Tracked> {
    // SAFETY: (room, own) our part was filled by `xOpen`; the box lives until `xClose`.
    unsafe { (*file.cast::<Shim>()).tracked.as_ref() }
}

/// # Safety
/// (strings)
unsafe fn path<'s>(name: *const c_char) -> Option<&'s Path> {
    if name.is_null() {
        return None;
    }
    // SAFETY: (strings)
    let name = unsafe { CStr::from_ptr(name) };
    Some(Path::new(OsStr::from_bytes(name.to_bytes())))
}

/// Calls one of the system's functions, all of which it has.
macro_rules! system_does {
    ($methods:expr, $what:ident, $($argument:expr),* $(,)?) => {
        match $methods.$what {
            // SAFETY: the arguments are those that SQLite gave us for this very call, with the system's file in place of ours.
            Some(does) => unsafe { does($($argument),*) },
            None => sqlite::SQLITE_ERROR,
        }
    };
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: sqlite::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: (room) ours to fill.
    unsafe { file.cast::<Shim>().write(Shim { base: sqlite3_file { pMethods: null() }, tracked: null_mut() }) };
    // SAFETY: (strings)
    let path = unsafe { path(name) };
    let watched = path.and_then(watch::of);
    if let Some((watched, _)) = &watched
        && watched.next(false, 0) != Verdict::Pass
    {
        return SQLITE_CANTOPEN;
    }
    let is_new = flags & SQLITE_OPEN_CREATE != 0 && path.is_some_and(|path| !path.exists());
    // SAFETY: (room)
    let behind = unsafe { behind(file) };
    // SAFETY: the system's VFS lives for ever.
    let opened = system_does!(unsafe { &*system() }, xOpen, system(), name, behind, flags, out);
    if opened != SQLITE_OK {
        return opened;
    }
    let tracked = watched.map(|(watched, name)| {
        if is_new {
            watched.note(Op::Create { file: name.clone() });
        }
        let is_log = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL) != 0;
        Box::into_raw(Box::new(Tracked { watched, name, syncs_dir: Cell::new(is_new && is_log) }))
    });
    // SAFETY: (room)
    unsafe {
        file.cast::<Shim>().write(Shim { base: sqlite3_file { pMethods: &METHODS }, tracked: tracked.unwrap_or(null_mut()) })
    };
    SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: (strings)
    let watched = unsafe { path(name) }.and_then(watch::of);
    if let Some((watched, _)) = &watched
        && watched.next(false, 0) != Verdict::Pass
    {
        return SQLITE_IOERR_DELETE;
    }
    // SAFETY: the system's VFS lives for ever.
    let done = system_does!(unsafe { &*system() }, xDelete, system(), name, sync_dir);
    if let Some((watched, file)) = watched.filter(|_| done == SQLITE_OK) {
        watched.note(Op::Delete { file });
        if sync_dir != 0 {
            watched.note(Op::SyncDir);
        }
    }
    done
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: (own)
    let (methods, behind) = unsafe { methods(file) };
    let done = system_does!(methods, xClose, behind);
    // SAFETY: (own) the box is ours, and after this nobody has the file.
    unsafe {
        let tracked = (*file.cast::<Shim>()).tracked;
        if !tracked.is_null() {
            drop(Box::from_raw(tracked));
        }
    }
    done
}

unsafe extern "C" fn read(file: *mut sqlite3_file, buffer: *mut c_void, len: c_int, at: i64) -> c_int {
    // SAFETY: (own)
    let ((methods, behind), tracked) = unsafe { (methods(file), tracked(file)) };
    if tracked.is_some_and(|t| t.watched.next(false, 0) != Verdict::Pass) {
        return SQLITE_IOERR_READ;
    }
    system_does!(methods, xRead, behind, buffer, len, at)
}

unsafe extern "C" fn write(file: *mut sqlite3_file, buffer: *const c_void, len: c_int, at: i64) -> c_int {
    // SAFETY: (own)
    let ((methods, behind), tracked) = unsafe { (methods(file), tracked(file)) };
    let Some(tracked) = tracked else { return system_does!(methods, xWrite, behind, buffer, len, at) };
    let mut size = 0_i64;
    system_does!(methods, xFileSize, behind, &raw mut size);
    let grows = (at + i64::from(len) - size).max(0) as u64;
    let (len, answer) = match tracked.watched.next(true, grows) {
        Verdict::Pass => (len, SQLITE_OK),
        Verdict::Tear => (len / 2, SQLITE_IOERR_WRITE),
        Verdict::NoRoom => return SQLITE_FULL,
        Verdict::Fail => return SQLITE_IOERR_WRITE,
    };
    let done = system_does!(methods, xWrite, behind, buffer, len, at);
    if done != SQLITE_OK {
        return done;
    }
    // SAFETY: (buffers)
    let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), len as usize) }.to_vec();
    tracked.watched.note(Op::Write { file: tracked.name.clone(), at: at as u64, bytes });
    answer
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: i64) -> c_int {
    // SAFETY: (own)
    let ((methods, behind), tracked) = unsafe { (methods(file), tracked(file)) };
    if tracked.is_some_and(|t| t.watched.next(false, 0) != Verdict::Pass) {
        return SQLITE_IOERR_TRUNCATE;
    }
    let done = system_does!(methods, xTruncate, behind, len);
    if let Some(tracked) = tracked.filter(|_| done == SQLITE_OK) {
        tracked.watched.note(Op::Truncate { file: tracked.name.clone(), len: len as u64 });
    }
    done
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: (own)
    let ((methods, behind), tracked) = unsafe { (methods(file), tracked(file)) };
    let Some(tracked) = tracked else { return system_does!(methods, xSync, behind, flags) };
    if tracked.watched.next(false, 0) != Verdict::Pass {
        return SQLITE_IOERR_FSYNC;
    }
    // What is watched is on a disk that loses anyway: the medium is not waited for.
    tracked.watched.note(Op::Sync { file: tracked.name.clone() });
    if tracked.syncs_dir.take() {
        tracked.watched.note(Op::SyncDir);
    }
    SQLITE_OK
}

/// The rest is passed on as it is.
macro_rules! passed_on {
    ($($name:ident = $what:ident($($argument:ident: $kind:ty),*);)*) => {
        $(unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $kind),*) -> c_int {
            // SAFETY: (own)
            let (methods, behind) = unsafe { methods(file) };
            system_does!(methods, $what, behind $(, $argument)*)
        })*
    };
}

passed_on! {
    file_size = xFileSize(size: *mut i64);
    lock = xLock(level: c_int);
    unlock = xUnlock(level: c_int);
    check_reserved_lock = xCheckReservedLock(out: *mut c_int);
    file_control = xFileControl(what: c_int, argument: *mut c_void);
    sector_size = xSectorSize();
    device_characteristics = xDeviceCharacteristics();
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
    shm_lock = xShmLock(offset: c_int, n: c_int, flags: c_int);
    shm_unmap = xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: (own)
    let (methods, behind) = unsafe { methods(file) };
    if let Some(barrier) = methods.xShmBarrier {
        // SAFETY: as SQLite asked, with the system's file.
        unsafe { barrier(behind) };
    }
}
