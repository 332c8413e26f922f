import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

import java.io.IOException;

/** Tells Flink that a reading is immutable: it then keeps the object itself where it would copy it field by field. */
final class ReadingType extends TypeInformation<Reading> {
    @Override public boolean isBasicType() { return false; }
    @Override public boolean isTupleType() { return false; }
    @Override public int getArity() { return 1; }
    @Override public int getTotalFields() { return 1; }
    @Override public Class<Reading> getTypeClass() { return Reading.class; }
    @Override public boolean isKeyType() { return false; }
    @Override public TypeSerializer<Reading> createSerializer(ExecutionConfig config) { return Serializer.ONE; }
    @Override public String toString() { return "Reading"; }
    @Override public boolean equals(Object other) { return other instanceof ReadingType; }
    @Override public int hashCode() { return 1; }
    @Override public boolean canEqual(Object other) { return other instanceof ReadingType; }

    public static final class Serializer extends TypeSerializerSingleton<Reading> {
        static final Serializer ONE = new Serializer();

        @Override public boolean isImmutableType() { return true; }
        @Override public Reading createInstance() { return new Reading(0, 0, 0, 0); }
        @Override public Reading copy(Reading from) { return from; }
        @Override public Reading copy(Reading from, Reading reuse) { return from; }
        @Override public int getLength() { return 24; }

        @Override
        public void serialize(Reading r, DataOutputView out) throws IOException {
            out.writeInt(r.subject);
            out.writeInt(r.stream);
            out.writeLong(r.at);
            out.writeDouble(r.value);
        }

        @Override
        public Reading deserialize(DataInputView in) throws IOException {
            return new Reading(in.readInt(), in.readInt(), in.readLong(), in.readDouble());
        }

        @Override
        public Reading deserialize(Reading reuse, DataInputView in) throws IOException {
            return deserialize(in);
        }

        @Override
        public void copy(DataInputView in, DataOutputView out) throws IOException {
            out.write(in, 24);
        }

        @Override
        public TypeSerializerSnapshot<Reading> snapshotConfiguration() {
            return new Snapshot();
        }

        public static final class Snapshot extends SimpleTypeSerializerSnapshot<Reading> {
            public Snapshot() {
                super(() -> ONE);
            }
        }
    }
}
