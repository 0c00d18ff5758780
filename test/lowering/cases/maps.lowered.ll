; ModuleID = 'maps'
source_filename = "maps"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@__bpftime_map_values_0 = extern_weak global i8
@rodata.3 = private constant [8 x i8] c"\01\02\03\04\05\06\07\08", align 8
@__bpftime_map_handle_0 = extern_weak global i8
@__bpftime_map_handle_1 = extern_weak global i8
@__bpftime_map_values_2 = extern_weak global i8

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  %frame = alloca [16 x i8], align 16
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:1: line 1;
  %r6_0 = load i32, ptr %ctx, align 1
  ; prog.bpf.c:2: line 2;
  %0 = getelementptr i8, ptr %frame, i64 12
  store i32 %r6_0, ptr %0, align 4
  ; prog.bpf.c:7: line 7;
  %1 = getelementptr i8, ptr %frame, i64 12
  %2 = icmp eq ptr @__bpftime_map_values_0, null
  br i1 %2, label %lookup_call_6, label %lookup_6, !prof !3

lookup_6:                                         ; preds = %bb_0
  ; prog.bpf.c:7: line 7;
  %3 = load i32, ptr %1, align 4
  %4 = icmp ult i32 %3, 8
  %5 = zext i32 %3 to i64
  %6 = mul i64 %5, 16
  %7 = getelementptr i8, ptr @__bpftime_map_values_0, i64 %6
  %8 = select i1 %4, ptr %7, ptr null
  br label %looked_up_6

lookup_call_6:                                    ; preds = %bb_0
  ; prog.bpf.c:7: line 7;
  %9 = icmp eq ptr @__bpftime_map_handle_0, null
  br i1 %9, label %map_call, label %map_known, !prof !3

map_call:                                         ; preds = %lookup_call_6
  ; prog.bpf.c:7: line 7;
  %10 = call i64 @__lddw_helper_map_by_fd(i32 0)
  br label %map_known

map_known:                                        ; preds = %lookup_call_6, %map_call
  ; prog.bpf.c:7: line 7;
  %11 = phi i64 [ ptrtoint (ptr @__bpftime_map_handle_0 to i64), %lookup_call_6 ], [ %10, %map_call ]
  %12 = call ptr @_bpf_helper_ext_0001(i64 %11, ptr %1)
  br label %looked_up_6

looked_up_6:                                      ; preds = %map_known, %lookup_6
  ; prog.bpf.c:7: line 7;
  %r0_6 = phi ptr [ %8, %lookup_6 ], [ %12, %map_known ]
  ; prog.bpf.c:8: line 8;
  %13 = icmp eq ptr %r0_6, null
  br i1 %13, label %bb_25, label %bb_8

bb_8:                                             ; preds = %looked_up_6
  ; prog.bpf.c:9: line 9;
  %14 = getelementptr i8, ptr %r0_6, i64 4
  %r7_8 = load i32, ptr %14, align 1
  ; prog.bpf.c:14: line 14;
  %15 = getelementptr i8, ptr %frame, i64 0
  %16 = zext i32 %r7_8 to i64
  store i64 %16, ptr %15, align 8
  ; prog.bpf.c:15: line 15;
  %17 = icmp eq ptr @__bpftime_map_handle_1, null
  br i1 %17, label %map_call1, label %map_known2, !prof !3

map_call1:                                        ; preds = %bb_8
  ; prog.bpf.c:15: line 15;
  %18 = call i64 @__lddw_helper_map_by_fd(i32 1)
  br label %map_known2

map_known2:                                       ; preds = %bb_8, %map_call1
  ; prog.bpf.c:15: line 15;
  %19 = phi i64 [ ptrtoint (ptr @__bpftime_map_handle_1 to i64), %bb_8 ], [ %18, %map_call1 ]
  %20 = getelementptr i8, ptr %frame, i64 0
  %r0_14 = call i64 @_bpf_helper_ext_0003(i64 %19, ptr %20)
  ; prog.bpf.c:16: line 16;
  %21 = icmp eq ptr @__bpftime_map_values_2, null
  br i1 %21, label %map_call3, label %map_known4, !prof !3

map_call3:                                        ; preds = %map_known2
  ; prog.bpf.c:16: line 16;
  %22 = call i64 @__lddw_helper_map_by_fd(i32 2)
  %23 = call i64 @__lddw_helper_map_val(i64 %22)
  %24 = inttoptr i64 %23 to ptr
  br label %map_known4

map_known4:                                       ; preds = %map_known2, %map_call3
  ; prog.bpf.c:16: line 16;
  %25 = phi ptr [ @__bpftime_map_values_2, %map_known2 ], [ %24, %map_call3 ]
  %r3_15 = getelementptr i8, ptr %25, i64 8
  ; prog.bpf.c:19: line 19;
  %26 = atomicrmw add ptr %r3_15, i64 1 monotonic, align 8
  ; prog.bpf.c:22: line 22;
  %r5_21 = load i32, ptr getelementptr (i8, ptr @rodata.3, i64 4), align 1
  ; prog.bpf.c:23: line 23;
  %27 = zext i32 %r5_21 to i64
  %r7_22 = add i64 %16, %27
  ; prog.bpf.c:25: line 25;
  ret i64 %r7_22

bb_25:                                            ; preds = %looked_up_6
  ; prog.bpf.c:27: line 27;
  ret i64 0
}

; Function Attrs: nounwind memory(readwrite)
declare ptr @_bpf_helper_ext_0001(i64, ptr nocapture readonly) #1

; Function Attrs: nounwind memory(readwrite)
declare i64 @_bpf_helper_ext_0003(i64, ptr nocapture readonly) #1

; Function Attrs: nounwind willreturn
declare i64 @__lddw_helper_map_by_fd(i32) #2

; Function Attrs: nounwind willreturn
declare i64 @__lddw_helper_map_val(i64) #2

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { nounwind memory(readwrite) }
attributes #2 = { nounwind willreturn }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
!3 = !{!"branch_weights", i32 1, i32 100000}
