import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

import java.io.Serializable;

/**
 * The window workload: CEP has no aggregate over a span that slides, and Flink's sliding windows answer at the ends of panes, not at each reading.
 *
 * Relies, as no job on a real stream could, on readings in order: nothing is buffered or sorted.
 */
final class Window extends KeyedProcessFunction<Integer, Reading, Reading> {
    private static final long SPAN = 3 * 3_600_000_000L;

    private transient ValueState<Ring> state;

    @Override
    public void open(Configuration parameters) {
        state = getRuntimeContext().getState(new ValueStateDescriptor<>("ring", Ring.class));
    }

    @Override
    public void processElement(Reading reading, Context context, Collector<Reading> out) throws Exception {
        Ring ring = state.value();
        if (ring == null) state.update(ring = new Ring());
        ring.add(reading);
        boolean now = ring.length >= 12 && ring.sum > 180.0 * ring.length;
        if (now && !ring.open) out.collect(reading);
        ring.open = now;
    }

    /** The readings of the span, oldest first, in a ring whose size is a power of two. */
    public static final class Ring implements Serializable {
        long[] at = new long[64];
        double[] value = new double[64];
        int first, length;
        double sum;
        boolean open;

        void add(Reading reading) {
            while (length > 0 && at[first] <= reading.at - SPAN) {
                sum -= value[first];
                first = (first + 1) & (at.length - 1);
                length--;
            }
            if (length == at.length) grow();
            int slot = (first + length++) & (at.length - 1);
            at[slot] = reading.at;
            value[slot] = reading.value;
            sum += reading.value;
        }

        private void grow() {
            long[] at2 = new long[2 * length];
            double[] value2 = new double[2 * length];
            for (int i = 0; i < length; i++) {
                int slot = (first + i) & (length - 1);
                at2[i] = at[slot];
                value2[i] = value[slot];
            }
            at = at2;
            value = value2;
            first = 0;
        }
    }
}
