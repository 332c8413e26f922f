//! Which of what waits for the journal becomes one group.
//!
//! Who sends alone waits for nobody. Where several were in the last group, those who got their answers by it are about to send again, so it is waited for them while they keep coming: what a
//! group costs on its way is much more than what one more reading in it does. Waiting goes by the queue's own clock, so that a test can have one that it moves by hand.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::inlet::{Change, Errand, Message, Submission};

/// A group is closed when it holds this many inputs, so that no reader waits for too large a one.
const MAX_GROUP: usize = 20_000;
/// Among several senders a group is closed when for so long nobody came,
const LULL: Duration = Duration::from_micros(200);
/// and it is waited for nobody after so long.
const LINGER: Duration = Duration::from_millis(1);

/// Where messages come from, and how long ago the first of the group came.
pub trait Queue {
    /// The next that is there.
    fn waiting(&mut self) -> Option<Message>;
    /// The next, if it comes within that time.
    fn within(&mut self, pause: Duration) -> Option<Message>;
    fn elapsed(&self) -> Duration;
}

/// The queue behind the door.
pub struct Coming<'a> {
    messages: &'a Receiver<Message>,
    began: Instant,
}

impl<'a> Coming<'a> {
    /// From now on.
    pub fn of(messages: &'a Receiver<Message>) -> Coming<'a> {
        Coming { messages, began: Instant::now() }
    }
}

impl Queue for Coming<'_> {
    fn waiting(&mut self) -> Option<Message> {
        self.messages.try_recv().ok()
    }

    fn within(&mut self, pause: Duration) -> Option<Message> {
        self.messages.recv_timeout(pause).ok()
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// What was taken of the queue, each kind in its order.
#[derive(Default)]
pub struct Gathered {
    pub submissions: Vec<Submission>,
    pub errands: Vec<Errand>,
    pub changes: Vec<Change>,
    /// A close was among it: nothing behind it was taken.
    pub is_closing: bool,
    inputs: usize,
}

impl Gathered {
    pub fn take(&mut self, message: Message) {
        match message {
            Message::Submit(submission) => {
                self.inputs += submission.inputs.len();
                self.submissions.push(submission);
            }
            Message::DueChanged => {}
            Message::Errand(errand) => self.errands.push(errand),
            Message::Change(change) => self.changes.push(change),
            Message::Close => self.is_closing = true,
        }
    }
}

/// Takes what waits behind the first, up to a group. `crowd`: of how many submissions the last one was; afterwards, of how many this one is.
pub fn gather(queue: &mut impl Queue, first: Submission, crowd: &mut usize) -> Gathered {
    let mut gathered = Gathered::default();
    gathered.take(Message::Submit(first));
    while gathered.inputs < MAX_GROUP && !gathered.is_closing {
        let next = match queue.waiting() {
            None if *crowd > 1 => queue.within(LINGER.saturating_sub(queue.elapsed()).min(LULL)),
            next => next,
        };
        let Some(next) = next else { break };
        gathered.take(next);
    }
    *crowd = gathered.submissions.len();
    gathered
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use vitalog_elog::Input;

    use super::*;

    /// Messages, and when each comes; the clock is moved by whoever waits.
    #[derive(Default)]
    struct Script {
        to_come: VecDeque<(Duration, Message)>,
        now: Duration,
    }

    impl Queue for Script {
        fn waiting(&mut self) -> Option<Message> {
            let is_there = self.to_come.front().is_some_and(|(at, _)| *at <= self.now);
            if is_there { self.to_come.pop_front().map(|(_, message)| message) } else { None }
        }

        fn within(&mut self, pause: Duration) -> Option<Message> {
            let until = self.now + pause;
            self.now = self.to_come.front().map_or(until, |(at, _)| (*at).clamp(self.now, until));
            self.waiting()
        }

        fn elapsed(&self) -> Duration {
            self.now
        }
    }

    /// Submissions are told apart by how many inputs they have.
    fn of(inputs: usize) -> Submission {
        Submission { inputs: vec![Input::Tick; inputs], done: Box::new(|_| {}), cause: None }
    }

    fn script(to_come: impl IntoIterator<Item = (u64, Message)>) -> Script {
        let to_come = to_come.into_iter().map(|(micros, message)| (Duration::from_micros(micros), message)).collect();
        Script { to_come, now: Duration::ZERO }
    }

    fn sent(to_come: impl IntoIterator<Item = (u64, usize)>) -> Script {
        script(to_come.into_iter().map(|(micros, inputs)| (micros, Message::Submit(of(inputs)))))
    }

    /// How many inputs each has that was taken behind one of a single input, and when the group was closed, in microseconds.
    fn taken(script: &mut Script, crowd: &mut usize) -> (Vec<usize>, u128) {
        let gathered = gather(script, of(1), crowd);
        assert_eq!(*crowd, gathered.submissions.len(), "the next goes by how many there were");
        (gathered.submissions.iter().skip(1).map(|s| s.inputs.len()).collect(), script.elapsed().as_micros())
    }

    #[test]
    fn who_sends_alone_waits_for_nobody() {
        for mut crowd in [0, 1] {
            let mut queue = sent([(1, 2)]);
            assert_eq!(taken(&mut queue, &mut crowd), (vec![], 0));
            assert_eq!(crowd, 1);
        }
        // What waited while the last group was synced goes along, all the same without waiting for more.
        assert_eq!(taken(&mut sent([(0, 2), (0, 3), (1, 4)]), &mut 1), (vec![2, 3], 0));
    }

    #[test]
    fn behind_a_crowd_one_alone_waits_a_lull_once() {
        let mut crowd = 7;
        let lull = LULL.as_micros();
        assert_eq!(taken(&mut sent([(LULL.as_micros() as u64 + 1, 2)]), &mut crowd), (vec![], lull));
        assert_eq!(taken(&mut sent([(1, 2)]), &mut crowd), (vec![], 0), "and then it is alone");
        let mut queue = sent([(150, 2), (300, 3), (550, 4)]);
        assert_eq!(taken(&mut queue, &mut 2), (vec![2, 3], 300 + lull), "who comes in time has the lull begin anew");
    }

    #[test]
    fn a_crowd_is_waited_for_no_longer_than_it_lingers() {
        // One each 90 microseconds: nobody is ever away for a lull.
        let linger = LINGER.as_micros();
        let mut queue = sent((1..40).map(|n| (n * 90, n as usize)));
        let (sizes, closed) = taken(&mut queue, &mut 2);
        assert_eq!(sizes, (1..=linger as usize / 90).collect::<Vec<_>>(), "in their order");
        assert_eq!(closed, linger);
        assert_eq!(queue.to_come.len(), 39 - sizes.len(), "the others are for the next group");
        // Near its end it is waited for less than a lull.
        assert_eq!(taken(&mut sent((1..9).map(|n| (n * 190, 1))), &mut 2), (vec![1; 5], linger));
    }

    #[test]
    fn a_group_is_closed_when_it_is_full() {
        // 1 and 19,998 are one short of it; the one that fills it goes in whole, however large it is.
        let mut queue = sent([(0, MAX_GROUP - 2), (0, 5), (0, 6)]);
        assert_eq!(taken(&mut queue, &mut 2), (vec![MAX_GROUP - 2, 5], 0));
        assert_eq!(queue.to_come.len(), 1);
        let mut queue = sent([(0, MAX_GROUP - 1), (0, 1)]);
        assert_eq!(taken(&mut queue, &mut 2), (vec![MAX_GROUP - 1], 0), "a full one waits for nobody");
        let mut queue = sent([(0, 2)]);
        assert_eq!(gather(&mut queue, of(MAX_GROUP), &mut 0).submissions.len(), 1);
        assert_eq!(queue.to_come.len(), 1);
    }

    #[test]
    fn what_is_no_submission_is_set_apart_and_nothing_behind_a_close_is_taken() {
        let errand = || Message::Errand(Box::new(|_, _| {}));
        let change = || Message::Change(Box::new(|_| Ok(())));
        let all = [Message::DueChanged, errand(), Message::Submit(of(2)), change(), errand(), Message::Submit(of(3))];
        let behind = [Message::Close, Message::Submit(of(4)), errand()];
        let mut queue = script(all.into_iter().chain(behind).map(|message| (0, message)));
        let mut crowd = 2;
        let gathered = gather(&mut queue, of(1), &mut crowd);
        assert_eq!(gathered.submissions.iter().map(|s| s.inputs.len()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!((gathered.errands.len(), gathered.changes.len(), gathered.is_closing), (2, 1, true));
        assert_eq!((queue.to_come.len(), queue.now, crowd), (2, Duration::ZERO, 3));
    }

    /// The queue itself: what is there comes in its order, and what does not come is waited for as long as was said.
    #[test]
    fn the_queue_behind_the_door_is_waited_for() {
        let (sender, messages) = std::sync::mpsc::channel();
        for inputs in [2, 3] {
            sender.send(Message::Submit(of(inputs))).expect("it is there");
        }
        let mut coming = Coming::of(&messages);
        let inputs = |message: Option<Message>| match message {
            Some(Message::Submit(submission)) => submission.inputs.len(),
            _ => 0,
        };
        assert_eq!([inputs(coming.waiting()), inputs(coming.within(LULL)), inputs(coming.waiting())], [2, 3, 0]);
        let before = coming.elapsed();
        assert!(coming.within(LULL).is_none() && coming.elapsed() >= before + LULL);
        drop(sender);
        assert!(coming.within(Duration::from_secs(60)).is_none() && coming.elapsed() < Duration::from_secs(60));
    }
}
