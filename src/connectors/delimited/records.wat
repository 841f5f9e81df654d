;; Finds the records of a delimited file in its bytes, and hashes each. Compiled into `records-wasm.ts` by `npm run wasm`.
;;
;; The memory: from 0 the key (16 bytes); from 1024 what was found, 16 bytes for each record: where it ends, its lines, its hash; from 65536 the
;; bytes themselves, with room for 16 more after the last.
(module
  (memory (export "memory") 2)

  ;; SipHash-2-4 (Aumasson and Bernstein, 2012) of the bytes up to $to: two rounds for each eight of them, for what is left with their number, then four.
  (func $hash (param $at i32) (param $to i32) (result i64)
    (local $v0 i64) (local $v1 i64) (local $v2 i64) (local $v3 i64) (local $word i64) (local $tail i64) (local $left i32) (local $rounds i32)
    (local.set $v0 (i64.xor (i64.load (i32.const 0)) (i64.const 0x736f6d6570736575)))
    (local.set $v1 (i64.xor (i64.load (i32.const 8)) (i64.const 0x646f72616e646f6d)))
    (local.set $v2 (i64.xor (i64.load (i32.const 0)) (i64.const 0x6c7967656e657261)))
    (local.set $v3 (i64.xor (i64.load (i32.const 8)) (i64.const 0x7465646279746573)))
    (local.set $left (i32.sub (local.get $to) (local.get $at)))
    (local.set $tail (i64.shl (i64.extend_i32_u (local.get $left)) (i64.const 56)))
    (loop $words
      (local.set $rounds (i32.const 2))
      (if (i32.ge_s (local.get $left) (i32.const 8))
        (then (local.set $word (i64.load (local.get $at))))
        (else
          (if (i32.ge_s (local.get $left) (i32.const 0))
            (then
              (local.set $word
                (i64.or
                  (local.get $tail)
                  (i64.and
                    (i64.load (local.get $at))
                    (i64.sub (i64.shl (i64.const 1) (i64.extend_i32_u (i32.shl (local.get $left) (i32.const 3)))) (i64.const 1))))))
            (else
              (local.set $word (i64.const 0))
              (local.set $v2 (i64.xor (local.get $v2) (i64.const 0xff)))
              (local.set $rounds (i32.const 4))))))
      (local.set $v3 (i64.xor (local.get $v3) (local.get $word)))
      (loop $round
        (local.set $v0 (i64.add (local.get $v0) (local.get $v1)))
        (local.set $v2 (i64.add (local.get $v2) (local.get $v3)))
        (local.set $v1 (i64.xor (i64.rotl (local.get $v1) (i64.const 13)) (local.get $v0)))
        (local.set $v3 (i64.xor (i64.rotl (local.get $v3) (i64.const 16)) (local.get $v2)))
        (local.set $v0 (i64.add (i64.rotl (local.get $v0) (i64.const 32)) (local.get $v3)))
        (local.set $v2 (i64.add (local.get $v2) (local.get $v1)))
        (local.set $v1 (i64.xor (i64.rotl (local.get $v1) (i64.const 17)) (local.get $v2)))
        (local.set $v3 (i64.xor (i64.rotl (local.get $v3) (i64.const 21)) (local.get $v0)))
        (local.set $v2 (i64.rotl (local.get $v2) (i64.const 32)))
        (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
      (local.set $v0 (i64.xor (local.get $v0) (local.get $word)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $left (i32.sub (local.get $left) (i32.const 8)))
      (br_if $words (i32.gt_s (local.get $left) (i32.const -9))))
    (i64.xor (i64.xor (local.get $v0) (local.get $v1)) (i64.xor (local.get $v2) (local.get $v3))))

  ;; Finds whole records of the bytes from $at, where one begins, up to $to, at most $most; gives how many. A newline ends a record outside of quotes,
  ;; and a quote opens a field only at its beginning, or right after it closed one. Sixteen bytes are looked at together.
  (func (export "cut") (param $at i32) (param $to i32) (param $separator i32) (param $quote i32) (param $most i32) (result i32)
    (local $start i32) (local $inside i32) (local $closed i32) (local $lines i32) (local $found i32) (local $hits i32) (local $i i32)
    (local $block v128) (local $quotes v128)
    (local.set $start (local.get $at))
    (local.set $quotes (i8x16.splat (local.get $quote)))
    (block $end
      (loop $blocks
        (br_if $end (i32.ge_u (local.get $at) (local.get $to)))
        (local.set $block (v128.load (local.get $at)))
        (local.set $hits
          (i8x16.bitmask
            (v128.or
              (i8x16.eq (local.get $block) (local.get $quotes))
              (i8x16.eq (local.get $block) (i8x16.splat (i32.const 10))))))
        (block $next
          (loop $bytes
            (br_if $next (i32.eqz (local.get $hits)))
            (local.set $i (i32.add (local.get $at) (i32.ctz (local.get $hits))))
            (br_if $end (i32.ge_u (local.get $i) (local.get $to)))
            (local.set $hits (i32.and (local.get $hits) (i32.sub (local.get $hits) (i32.const 1))))
            (if (i32.eq (i32.load8_u (local.get $i)) (local.get $quote))
              (then
                (if (local.get $inside)
                  (then
                    (local.set $inside (i32.const 0))
                    (local.set $closed (local.get $i)))
                  (else
                    (local.set $inside
                      (i32.or
                        (i32.eq (local.get $i) (local.get $start))
                        (i32.or
                          (i32.eq (i32.load8_u (i32.sub (local.get $i) (i32.const 1))) (local.get $separator))
                          (i32.eq (i32.sub (local.get $i) (i32.const 1)) (local.get $closed))))))))
              (else
                (local.set $lines (i32.add (local.get $lines) (i32.const 1)))
                (if (i32.eqz (local.get $inside))
                  (then
                    (i32.store offset=1024 (i32.shl (local.get $found) (i32.const 4)) (i32.add (local.get $i) (i32.const 1)))
                    (i32.store offset=1028 (i32.shl (local.get $found) (i32.const 4)) (local.get $lines))
                    (i64.store offset=1032 (i32.shl (local.get $found) (i32.const 4)) (call $hash (local.get $start) (local.get $i)))
                    (local.set $start (i32.add (local.get $i) (i32.const 1)))
                    (local.set $lines (i32.const 0))
                    (local.set $found (i32.add (local.get $found) (i32.const 1)))
                    (br_if $end (i32.eq (local.get $found) (local.get $most)))))))
            (br $bytes)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $blocks)))
    (local.get $found))
)
