package format

// noConverted stands for a column without a converted type.
const noConverted = -1

// fromConverted gives the logical type of a converted type, which files have carried
// since before there were logical types. Times of converted types are instants.
func fromConverted(converted, precision, scale int32) LogicalType {
	switch converted {
	case 0:
		return LogicalType{ID: String}
	case 1, 2: // MAP, and MAP_KEY_VALUE, which old writers put in its place
		return LogicalType{ID: Map}
	case 3:
		return LogicalType{ID: List}
	case 4:
		return LogicalType{ID: Enum}
	case 5:
		return LogicalType{ID: Decimal, Precision: precision, Scale: scale}
	case 6:
		return LogicalType{ID: Date}
	case 7:
		return LogicalType{ID: Time, UTC: true, Unit: Milliseconds}
	case 8:
		return LogicalType{ID: Time, UTC: true, Unit: Microseconds}
	case 9:
		return LogicalType{ID: Timestamp, UTC: true, Unit: Milliseconds}
	case 10:
		return LogicalType{ID: Timestamp, UTC: true, Unit: Microseconds}
	case 11, 12, 13, 14: // UINT_8 to UINT_64
		return LogicalType{ID: Integer, Bits: 8 << (converted - 11)}
	case 15, 16, 17, 18: // INT_8 to INT_64
		return LogicalType{ID: Integer, Bits: 8 << (converted - 15), Signed: true}
	case 19:
		return LogicalType{ID: JSON}
	case 20:
		return LogicalType{ID: BSON}
	case 21:
		return LogicalType{ID: Interval}
	}
	return LogicalType{}
}
