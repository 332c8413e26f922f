/** One reading. Immutable, so that a peer may keep it without a copy. */
public final class Reading {
    public static final int CARBS = 0, BG = 1, EXERCISE = 2, BP = 3;

    public final int subject;
    public final int stream;
    /** Microseconds. */
    public final long at;
    public final double value;

    public Reading(int subject, int stream, long at, double value) {
        this.subject = subject;
        this.stream = stream;
        this.at = at;
        this.value = value;
    }
}
