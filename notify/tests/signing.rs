//! Signatures against vectors made elsewhere, addresses, and the `Retry-After` header.

use std::net::IpAddr;

use vitalog_elog::Span;
use vitalog_notify::webhook::{Refused, Secret, check, retry_after, signature};

use crate::world::at;

const FIRST: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// base64 of `vitalog test key number two....!`.
const SECOND: &str = "whsec_dml0YWxvZyB0ZXN0IGtleSBudW1iZXIgdHdvLi4uLiE=";

fn secret(text: &str) -> Secret {
    Secret::parse(text).expect("a good secret")
}

/// The example of the Standard Webhooks libraries; `openssl dgst -sha256 -mac HMAC -macopt hexkey:…` over
/// `msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}` prints the same.
#[test]
fn the_specifications_example() {
    let signed = signature(&[secret(FIRST)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

/// Computed with openssl over `0000000000000000000000000000002a.1763632800.{"type":"finding.opened"}`.
#[test]
fn two_signatures_while_a_secret_is_changed() {
    let signed =
        signature(&[secret(SECOND), secret(FIRST)], &format!("{:032x}", 42), 1_763_632_800, r#"{"type":"finding.opened"}"#);
    let (second, first) = ("65ctpoH+68qWc2OLYJW1oSB7zq3/LEJckhqtuA1pIbo=", "XfVSZziO77JHIiqWZt02Dt8aq+6NA/o03SK1SVtnMBY=");
    assert_eq!(signed, format!("v1,{second} v1,{first}"));
}

#[test]
fn secrets_are_checked_and_never_printed() {
    for (text, why) in [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "without the prefix whsec_"),
        ("whsec_not base64", "not base64"),
        ("whsec_c2hvcnQ=", "too short"),
        (&format!("whsec_{}", "QUJD".repeat(22)), "too long"),
    ] {
        assert_eq!(Secret::parse(text).err(), Some(why));
    }
    assert_eq!(format!("{:?}", secret(FIRST)), "Secret(…)");
}

#[test]
fn addresses_by_what_they_are() {
    let never = "169.254.169.254 169.254.0.1 0.0.0.0 0.1.2.3 224.0.0.1 255.255.255.255 240.0.0.1 100.100.100.200 192.0.0.192
        fe80::1 ff02::1 :: fd00:ec2::254 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 100::1 fec0::1";
    let private =
        "127.0.0.1 127.255.0.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.0.1 198.18.0.1 192.0.2.1
        ::1 fc00::1 fd12:3456::1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 64:ff9b::7f00:1 2002:c0a8:0101::1 ::127.0.0.1 2001:db8::1";
    let open = "1.1.1.1 8.8.8.8 172.15.0.1 172.32.0.1 100.63.255.255 100.128.0.1 169.253.0.1 198.20.0.1 223.255.255.255
        2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::808:808";
    let each = |list: &str, plain, allowed| {
        for text in list.split_whitespace() {
            let address: IpAddr = text.parse().expect("an address");
            assert_eq!(check(address, false), plain, "{text}");
            assert_eq!(check(address, true), allowed, "{text}, with allow_loopback");
        }
    };
    each(never, Err(Refused::Never), Err(Refused::Never));
    each(private, Err(Refused::Private), Ok(()));
    each(open, Ok(()), Ok(()));
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = at(0);
    for (text, wait) in [
        ("0", Some(0)),
        (" 120 ", Some(120)),
        ("Fri, 20 Nov 2026 08:01:00 GMT", Some(60)),
        ("Fri, 20 Nov 2026 07:00:00 GMT", Some(0)),
        ("999999", Some(86_400)),
        ("99999999999999999999999", Some(86_400)),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
    ] {
        assert_eq!(retry_after(text, now), wait.map(Span::seconds), "{text:?}");
    }
}
