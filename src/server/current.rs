//! The views tell the gateway which revision of a reading is current, what became of dead letters, and what was answered to requests that bear a key.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use vitalog_dashboards::ask::{Ask, Held, HeldQuery, Letter, LetterQuery, Readers, SentSum};
use vitalog_dashboards::io::Live;
use vitalog_dashboards::views::ViewsError;
use vitalog_elog::metering::{Day, Holder, Party};
use vitalog_elog::{Answered, ReadingId, StreamIx, Subject, When};
use vitalog_ingest::io::{Behind, Current, CurrentRevision, HeldReading, KeptLetter, WantedLetters, WantedReadings};

use crate::quotas::Spending;

/// How long the views may take to see what was asked for.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct ViewsTell {
    readers: Readers,
    live: Arc<Live>,
}

impl ViewsTell {
    pub fn new(readers: Readers, live: Arc<Live>) -> ViewsTell {
        ViewsTell { readers, live }
    }

    /// What each party sent on these days, once the views have come behind `after`.
    ///
    /// # Errors
    /// [`Behind`].
    pub fn sent(
        &self,
        days: RangeInclusive<Day>,
        tenant: Option<&str>,
        after: u64,
    ) -> Result<BTreeMap<(Day, Party), SentSum>, Behind> {
        self.ask(after, |ask| ask.sent(days, tenant))
    }

    /// How many new readings were sent on a day, and by whom, likewise.
    ///
    /// # Errors
    /// [`Behind`].
    pub fn spending(&self, day: Day, after: u64) -> Result<Spending, Behind> {
        self.ask(after, |ask| ask.fresh(day)).map(Spending)
    }

    /// Called from a thread that may block, inside the runtime.
    fn wait_for(&self, after: u64) -> Result<(), Behind> {
        let mut reached = self.live.reached();
        if *reached.borrow_and_update() >= after {
            return Ok(());
        }
        let handle = tokio::runtime::Handle::try_current().map_err(|_| Behind)?;
        let waited = handle.block_on(tokio::time::timeout(PATIENCE, reached.wait_for(|next| *next >= after)));
        matches!(waited, Ok(Ok(_))).then_some(()).ok_or(Behind)
    }

    fn ask<T>(&self, after: u64, question: impl FnOnce(&Ask<'_>) -> Result<T, ViewsError>) -> Result<T, Behind> {
        self.wait_for(after)?;
        let answer = self.readers.take().and_then(|reader| reader.ask(question));
        answer.map_err(|error| {
            tracing::error!(%error, "the views can't be asked");
            Behind
        })
    }
}

impl Current for ViewsTell {
    fn current(&self, subject: &Subject, id: ReadingId, after: u64) -> Result<Option<CurrentRevision>, Behind> {
        let Some(history) = self.ask(after, |ask| ask.reading(subject, id))? else { return Ok(None) };
        let revision = match (&history.current, history.history.first()) {
            (Some(current), _) => CurrentRevision { rev: current.rev, removed: false },
            (None, Some(removal)) => CurrentRevision { rev: removal.rev, removed: true },
            (None, None) => return Ok(None),
        };
        Ok(Some(revision))
    }

    fn held(&self, wanted: &WantedReadings, after: u64) -> Result<Vec<HeldReading>, Behind> {
        let query = HeldQuery {
            ids: wanted.ids.as_ref().map(|ids| ids.iter().map(|(_, id)| *id).collect()),
            stream: wanted.stream,
            source: wanted.source.clone(),
            from: wanted.from,
            until: wanted.until,
            limit: wanted.limit,
        };
        let held = self.ask(after, |ask| ask.held(&wanted.subject, &query))?;
        let reading = |Held { id, given, rev, content }| HeldReading { id, given, rev, content };
        Ok(held.into_iter().map(reading).collect())
    }

    fn revisions(&self, subject: &Subject, readings: &[(ReadingId, StreamIx, When)], after: u64) -> Result<Vec<u32>, Behind> {
        self.ask(after, |ask| ask.greatest_revisions(subject, readings))
    }

    fn knows(&self, subject: &Subject, after: u64) -> Result<bool, Behind> {
        self.ask(after, |ask| Ok(ask.knows(subject)? || ask.is_named(subject)?))
    }

    fn letter(&self, offset: u64, after: u64) -> Result<Option<KeptLetter>, Behind> {
        Ok(self.ask(after, |ask| ask.letter(offset))?.map(kept))
    }

    fn open_letters(&self, wanted: &WantedLetters, after: u64) -> Result<Vec<KeptLetter>, Behind> {
        let query = LetterQuery {
            code: wanted.code.clone(),
            field: wanted.field.clone(),
            sender: wanted.sender.clone(),
            subject: wanted.subject.as_ref().map(|s| s.as_str().to_owned()),
            from: wanted.from,
            to: wanted.to,
            mended: None,
        };
        let found = self.ask(after, |ask| ask.open_letters(&query, wanted.after, wanted.limit))?;
        Ok(found.into_iter().map(kept).collect())
    }

    fn answered(&self, key: u128, after: u64) -> Result<Option<Answered>, Behind> {
        self.ask(after, |ask| ask.answered(key))
    }

    fn spent(&self, day: Day, holder: &Holder, after: u64) -> Result<u64, Behind> {
        Ok(self.spending(day, after)?.by(holder))
    }

    fn reached(&self) -> u64 {
        *self.live.reached().borrow()
    }
}

fn kept(letter: Letter) -> KeptLetter {
    KeptLetter { offset: letter.record, reading: letter.reading, letter: letter.letter }
}
