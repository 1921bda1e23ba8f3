-- A recall asks which codes were issued for a lot, or for a product without one (src/store/code_range.rs).
CREATE INDEX code_range_lot ON code_range (merchant_id, gtin, coalesce(lot, ''), first_number);
