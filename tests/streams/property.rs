//! A week of a site that rents homes out: some nine hundred lines, most of them honest, and among them what `property.rules` is about.

use super::random::{Random, in_order, instant, second};

struct Week {
    random: Random,
    lines: Vec<(i64, String)>,
    bookings: i64,
}

/// The readings, one JSON object per line, in order.
pub fn week() -> Vec<String> {
    let mut week = Week { random: Random(1994), lines: Vec::new(), bookings: 0 };
    week.honest();
    week.stolen_card();
    week.farmer_of_refunds();
    week.home_that_is_not_there();
    week.stranger_in_an_account();
    week.host_who_calls_off();
    week.home_let_twice();
    in_order(week.lines)
}

impl Week {
    fn put(&mut self, at: i64, stream: &str, subject: &str, fields: &str) {
        let comma = if fields.is_empty() { "" } else { "," };
        self.lines.push((at, format!(r#"{{"stream":"{stream}","subject":"{subject}","at":"{}"{comma}{fields}}}"#, instant(at))));
    }

    fn stay(&mut self, from: i64, to: i64, listing: &str, guest: &str, reference: &str) {
        let line = format!(
            r#"{{"stream":"stay","subject":"{listing}","start":"{}","end":"{}","guest":"{guest}","ref":"{reference}"}}"#,
            instant(from),
            instant(to)
        );
        self.lines.push((to, line));
    }

    /// A login, a charge that passes and a booking: what an honest guest does. Gives the booking's name.
    fn books(&mut self, at: i64, guest: &str, card: &str, listing: &str, price: i64) -> String {
        self.bookings += 1;
        let reference = format!("b{:04}", self.bookings);
        self.put(at - 30, "charge", card, &format!(r#""outcome":"approved","amount":{price}"#));
        self.put(at, "booking", guest, &format!(r#""card":"{card}","listing":"{listing}","ref":"{reference}","price":{price}"#));
        reference
    }

    fn calls_off(&mut self, at: i64, guest: &str, card: &str, listing: &str, reference: &str, who: &str) {
        let fields = format!(r#""card":"{card}","listing":"{listing}","ref":"{reference}","who":"{who}""#);
        self.put(at, "cancellation", guest, &fields);
    }

    fn writes(&mut self, at: i64, listing: &str, guest: &str, writer: &str, outside: bool) {
        self.put(at, "message", listing, &format!(r#""guest":"{guest}","writer":"{writer}","outside":{outside}"#));
    }

    fn complains(&mut self, at: i64, listing: &str, guest: &str, what: &str) {
        self.put(at, "complaint", listing, &format!(r#""guest":"{guest}","what":"{what}""#));
    }

    /// 120 guests, each with a card, and 40 homes.
    fn honest(&mut self) {
        for home in 1..=40 {
            let (listing, usual) = (format!("home-{home:02}"), self.random.between(45, 220));
            self.put(second(1, 12, home), "visit", &listing, r#""result":"as_shown""#);
            for day in [1, 3, 5] {
                let price = usual + self.random.between(-9, 9);
                self.put(second(day, 7, self.random.0 as i64 & 31), "offer", &listing, &format!(r#""price":{price}"#));
            }
        }
        for number in 1..=120 {
            let (guest, card) = (format!("guest-{number:03}"), format!("card-{number:03}"));
            let listing = format!("home-{:02}", self.random.between(1, 40));
            let asked = second(self.random.between(1, 5), self.random.between(7, 21), self.random.between(0, 59));
            let device = if self.random.chance(15) { "new" } else { "known" };
            self.put(asked - 120, "login", &guest, &format!(r#""device":"{device}""#));
            if device == "new" {
                self.put(asked - 60, "verification", &guest, r#""how":"code""#);
            }
            self.writes(asked, &listing, &guest, "guest", false);
            let answered = asked + self.random.between(5, 600) * 60;
            self.writes(answered, &listing, &guest, "host", false);
            if self.random.chance(10) {
                // A mistyped number, twice.
                self.put(answered + 500, "charge", &card, r#""outcome":"declined","amount":300"#);
                self.put(answered + 540, "charge", &card, r#""outcome":"declined","amount":300"#);
            }
            let price = self.random.between(90, 1400);
            let booked = answered + 600;
            let reference = self.books(booked, &guest, &card, &listing, price);
            match self.random.between(1, 10) {
                1 => self.calls_off(booked + 7_200, &guest, &card, &listing, &reference, "guest"),
                2 => self.complains(booked + 50_000, &listing, &guest, "noise"),
                _ => {}
            }
        }
        // Each home has its guests one after the other.
        for home in (1..=40).step_by(4) {
            let listing = format!("home-{home:02}");
            self.stay(second(1, 15, 0), second(4, 10, home), &listing, &format!("guest-{:03}", 200 + home), &format!("s{home}a"));
            self.stay(second(4, 15, 0), second(7, 10, home), &listing, &format!("guest-{:03}", 201 + home), &format!("s{home}b"));
        }
    }

    /// Tuesday night a number is tried until something passes; in the morning three accounts use it for five homes.
    fn stolen_card(&mut self) {
        for minute in [3, 4, 6, 7, 9] {
            self.put(second(2, 2, minute), "charge", "card-666", r#""outcome":"declined","amount":1"#);
        }
        self.put(second(2, 2, 11), "charge", "card-666", r#""outcome":"approved","amount":1"#);
        for (minute, guest, home, price) in [
            (12, "guest-901", 4, 880),
            (21, "guest-902", 17, 640),
            (24, "guest-901", 23, 910),
            (38, "guest-903", 31, 720),
            (55, "guest-902", 8, 450),
        ] {
            self.books(second(2, 9, minute), guest, "card-666", &format!("home-{home:02}"), price);
        }
    }

    /// Thursday evening one guest books a home and calls it off, four times.
    fn farmer_of_refunds(&mut self) {
        for round in 0..4 {
            let at = second(4, 18, 10 * round);
            let reference = self.books(at, "guest-777", "card-777", "home-40", 310);
            self.calls_off(at + 240, "guest-777", "card-777", "home-40", &reference, "guest");
        }
    }

    /// A home at a bait's price. Nobody has been there; the host wants money outside, and two guests stand before a wall.
    fn home_that_is_not_there(&mut self) {
        for (day, price) in [(1, 190), (1, 180), (2, 185), (3, 75)] {
            self.put(second(day, 8, price % 60), "offer", "home-99", &format!(r#""price":{price}"#));
        }
        self.books(second(3, 11, 0), "guest-301", "card-301", "home-99", 225);
        self.books(second(3, 12, 30), "guest-302", "card-302", "home-99", 300);
        self.writes(second(3, 13, 0), "home-99", "guest-303", "guest", false);
        self.writes(second(3, 13, 20), "home-99", "guest-303", "host", true);
        self.complains(second(5, 16, 45), "home-99", "guest-301", "does_not_exist");
        self.complains(second(6, 17, 5), "home-99", "guest-302", "no_access");
    }

    /// Somebody enters a guest's account from a device never seen and books for 1800 euros.
    fn stranger_in_an_account(&mut self) {
        self.put(second(6, 3, 40), "login", "guest-555", r#""device":"new""#);
        self.books(second(6, 4, 15), "guest-555", "card-555", "home-12", 1800);
    }

    /// A host calls off six of eight bookings of a week, and leaves a guest without an answer.
    fn host_who_calls_off(&mut self) {
        for day in 1..=4 {
            for (hour, number) in [(9, 1), (19, 2)] {
                let guest = format!("guest-4{day}{number}");
                let card = format!("card-4{day}{number}");
                let reference = self.books(second(day, hour, 0), &guest, &card, "home-50", 260);
                if (day + number) % 3 != 0 || day == 4 {
                    self.calls_off(second(day + 1, hour, 0), &guest, &card, "home-50", &reference, "host");
                }
            }
        }
        self.put(second(1, 6, 0), "visit", "home-50", r#""result":"as_shown""#);
        self.writes(second(2, 12, 0), "home-50", "guest-499", "guest", false);
    }

    /// Two guests with a key to the same door.
    fn home_let_twice(&mut self) {
        self.stay(second(2, 15, 0), second(5, 10, 0), "home-44", "guest-610", "s44a");
        self.stay(second(4, 16, 0), second(6, 11, 0), "home-44", "guest-611", "s44b");
    }
}
