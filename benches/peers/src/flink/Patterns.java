import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.IterativeCondition;
import org.apache.flink.cep.pattern.conditions.SimpleCondition;

import java.time.Duration;

/**
 * The four workloads that are patterns.
 *
 * Flink's clock counts "milliseconds"; it is fed microseconds, so that durations are given in microseconds as if they were milliseconds. A partial match is timed out when `now - start >= within`.
 */
final class Patterns {
    private static final long HOUR = 3_600_000_000L;

    static Pattern<Reading, ?> of(String workload) {
        switch (workload) {
            case "threshold": return threshold();
            case "sequence": return sequence();
            case "iteration": return iteration();
            case "absence": return absence();
            default: throw new IllegalArgumentException(workload);
        }
    }

    /** Over bg. */
    private static Pattern<Reading, ?> threshold() {
        return Pattern.<Reading>begin("low", AfterMatchSkipStrategy.noSkip()).where(SimpleCondition.of(r -> r.value < 70));
    }

    /** Over carbs of at least 30, bg above 180, and exercise. What shares the start's instant neither completes nor forbids it. */
    private static Pattern<Reading, ?> sequence() {
        return Pattern.<Reading>begin("meal", AfterMatchSkipStrategy.skipPastLastEvent())
            .where(SimpleCondition.of(r -> r.stream == Reading.CARBS))
            .notFollowedBy("exercise").where(new Later(Reading.EXERCISE))
            .followedBy("high").where(new Later(Reading.BG))
            .within(Duration.ofMillis(2 * HOUR));
    }

    /** Over bp. */
    private static Pattern<Reading, ?> iteration() {
        return Pattern.<Reading>begin("high", AfterMatchSkipStrategy.skipPastLastEvent())
            .where(SimpleCondition.of(r -> r.value >= 140))
            .times(3).consecutive()
            .within(Duration.ofMillis(7 * 24 * HOUR));
    }

    /** Over bg. One tick more than the hour: a reading exactly an hour later still ends the silence. */
    private static Pattern<Reading, ?> absence() {
        return Pattern.<Reading>begin("last", AfterMatchSkipStrategy.noSkip())
            .where(SimpleCondition.of(r -> true))
            .notFollowedBy("next").where(SimpleCondition.of(r -> true))
            .within(Duration.ofMillis(HOUR + 1));
    }

    private static final class Later extends IterativeCondition<Reading> {
        private final int stream;

        Later(int stream) {
            this.stream = stream;
        }

        @Override
        public boolean filter(Reading reading, Context<Reading> context) throws Exception {
            if (reading.stream != stream) return false;
            for (Reading meal : context.getEventsForPattern("meal")) return reading.at > meal.at;
            return false;
        }
    }
}
